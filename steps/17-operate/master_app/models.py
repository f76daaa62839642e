from django.db import models
from django.utils import timezone


class Reading(models.Model):
    """A value that was measured."""

    value = models.PositiveSmallIntegerField()
    moment = models.DateTimeField(default=timezone.now, db_index=True)
