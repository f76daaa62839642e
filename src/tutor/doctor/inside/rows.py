# mypy: ignore-errors
"""Put into the copied database what the sample paths name.

A consumer that looks its room up refuses everybody while there is no room.  Then
nothing it does could be watched.  Only the copy is written to; no signal is sent.
"""

import contextlib
import datetime
import uuid

from .report import inside

DEEP = 3


def fill(words):
    """A row of each of the project's models, named as the sample paths name it.

    Args:
        words: what the paths give, by the names of their parameters.
    """
    with contextlib.suppress(Exception):
        from django.apps import apps
        from django.db import connection

        tables = set(connection.introspection.table_names())
        for model in apps.get_models():
            meta = model._meta
            own = inside(getattr(meta.app_config, "path", "") + "/models.py")
            if own and meta.managed and not meta.proxy and meta.db_table in tables:
                with contextlib.suppress(Exception):
                    row_of(model, words, 0)


def row_of(model, words, depth):
    """The row that is meant; None where it needs a person, or too many others."""
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db import transaction

    rows = model._base_manager
    if issubclass(model, AbstractBaseUser) or depth > DEEP:
        return rows.first()
    texts = {f.attname: word_for(f, words) for f in model._meta.concrete_fields}
    texts = {name: word for name, word in texts.items() if word is not None}
    found = rows.filter(**texts).first() if texts else rows.first()
    if found is not None:
        return found
    made = model()
    for field in model._meta.concrete_fields:
        if field.attname in texts:
            setattr(made, field.attname, texts[field.attname])
        elif field.remote_field is not None and not field.null:
            other = row_of(field.remote_field.model, words, depth + 1)
            if other is None:
                return None
            setattr(made, field.attname, getattr(other, field.target_field.attname))
        elif not (field.null or field.has_default() or field.primary_key):
            value = example(field)
            if value is not None:
                setattr(made, field.attname, value)
    with transaction.atomic():
        rows.bulk_create([made])
    return made


def word_for(field, words):
    """What a field holds that a path may name; None for any other."""
    from django.db import models

    if not words or field.remote_field is not None or field.choices:
        return None
    named = field.name in words
    if isinstance(field, models.UUIDField):
        return uuid.UUID(int=7) if named or field.primary_key else None
    is_text = isinstance(field, (models.CharField, models.TextField))
    if not is_text or not (named or field.unique or not field.has_default()):
        return None
    if field.blank and not named:
        return None
    word = words.get(field.name) or next(iter(words.values()))
    return word[: field.max_length] if field.max_length else word


def example(field):
    """A value for a field that has to have one."""
    from django.db import models
    from django.utils import timezone

    if field.choices:
        return field.flatchoices[0][0]
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    kinds = (
        (models.DateField, datetime.date(2025, 1, 1)),
        (models.TimeField, datetime.time(12)),
        (models.DurationField, datetime.timedelta(hours=1)),
        (models.BooleanField, False),
        (models.IntegerField, 1),
        (models.FloatField, 1.0),
        (models.DecimalField, 1),
        (models.JSONField, {}),
        (models.UUIDField, uuid.UUID(int=8)),
    )
    return next((value for kind, value in kinds if isinstance(field, kind)), None)
