from django.db import models
from django.utils import timezone


class Call(models.Model):
    """Somebody is called to a desk."""

    desk = models.PositiveSmallIntegerField()
    moment = models.DateTimeField(default=timezone.now)

    @property
    def ticket(self):
        """What stands on the slip of paper: A01 to D99, and again."""
        letter, number = divmod(self.pk - 1, 99)
        return f'{"ABCD"[letter % 4]}{number + 1:02}'
