# mypy: ignore-errors
"""A user, and one object of each model: what a signed-in client needs.

Nothing of the project is told: no signal is sent, and no ``save()`` of its own runs.
"""

import datetime
import decimal
import uuid

from .tables import UnfitError, is_own

# Fields by which a route's argument may look an object up.
NAMES = (
    *("name", "slug", "code", "title", "key", "token", "ticket", "identifier"),
    *("uid", "username", "handle", "room_name", "short_id", "public_id"),
)
GONE = ("delete", "remov", "ban", "block", "closed", "reject", "revok", "kick", "left")
OPEN = ("active", "approved", "accepted", "enabled", "verified", "confirmed", "staff")
LATER = ("expire", "until", "valid", "ends", "end_")


def user_of(word):
    """An active user, the most powerful that is there; else a new one."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password

    model = get_user_model()
    fields = {field.name for field in model._meta.concrete_fields}
    found = model._base_manager.all()
    if "is_active" in fields:
        found = found.filter(is_active=True)
    mighty = [name for name in ("is_superuser", "is_staff") if name in fields]
    found = found.order_by(*(f"-{name}" for name in mighty), "pk").first()
    if found is not None:
        return found
    maker = Maker(None, word)
    values = maker.values(model, user=True)
    for name in ("is_active", "is_staff", "is_superuser"):
        if name in fields:
            values[name] = True
    if "password" in fields:
        values["password"] = make_password(None)
    return maker.store(model, values)


def furnish(user, words):
    """One object of each model of the project, with the user in it."""
    from django.apps import apps

    site()
    for word in words:
        maker = Maker(user, word)
        for model in apps.get_models(include_auto_created=True):
            if is_own(model) and not isinstance(user, model):
                maker.provide(model)
        maker.settle()


def site():
    """The one site, where a project asks for it."""
    from django.apps import apps
    from django.conf import settings

    if apps.is_installed("django.contrib.sites"):
        model = apps.get_model("sites", "Site")
        number = getattr(settings, "SITE_ID", 1)
        if not model._base_manager.filter(pk=number).exists():
            model(pk=number, domain="example.com", name="example").save()


class Maker:
    """Makes objects, each with what it needs.

    Args:
        user: whose they are.
        word: what stands in the paths that our clients knock at.
    """

    def __init__(self, user, word):
        self.user, self.word = user, word
        self.made, self.making = {}, []

    def provide(self, model):
        """An object of a model: one that is there, else a new one; None without."""
        if self.user is not None and isinstance(self.user, model):
            return self.user
        if model in self.making:
            return None
        if model not in self.made:
            self.making.append(model)
            self.made[model] = None
            try:
                self.made[model] = self._found_or_made(model)
            except Exception:
                self.made[model] = None
            finally:
                self.making.remove(model)
        return self.made[model]

    def settle(self):
        """Let the user belong where it may: to a team, a tenant, a company."""
        if self.user is None:
            return
        model, found = type(self.user), {}
        for field in model._meta.concrete_fields:
            target = field.remote_field.model if field.remote_field else model
            free = getattr(self.user, field.attname) is None and not _says(field, GONE)
            if free and target is not model and self.made.get(target) is not None:
                found[field.name] = self.made[target]
        if found:
            model._base_manager.filter(pk=self.user.pk).update(**found)
            for name, one in found.items():
                setattr(self.user, name, one)

    def _found_or_made(self, model):
        links = self._links(model)
        texts = [f for f in model._meta.local_concrete_fields if _is_name(f)]
        for field in texts:
            found = model._base_manager.filter(**{field.name: self._text(field)})
            if (one := found.first()) is not None:
                return one
        known = {name: one for name, one in links.items() if one is not None}
        if known and not texts:
            found = model._base_manager.filter(**known).first()
            if found is not None:
                return found
        return self.store(model, {**self.values(model), **known})

    def _links(self, model):
        """What the foreign keys of a model lead to."""
        found = {}
        for field in model._meta.concrete_fields:
            target = field.remote_field.model if field.remote_field else None
            if target is None or getattr(field.remote_field, "parent_link", False):
                continue
            if field.null and (target is model or _says(field, GONE)):
                continue
            one = self.provide(target) if is_own(target) else self._library(target)
            if one is None and not field.null:
                raise UnfitError(str(field))
            found[field.name] = one
        return found

    def _library(self, target):
        if self.user is not None and isinstance(self.user, target):
            return self.user
        if target.__name__ == "ContentType" and self.user is not None:
            return target.objects.get_for_model(type(self.user))
        return target._base_manager.first()

    def _text(self, field):
        kind = field.get_internal_type()
        if kind == "UUIDField":
            return uuid.UUID(int=7)
        return self.word[: field.max_length] if field.max_length else self.word

    def store(self, model, values):
        """A row, without a signal and without the project's own ``save()``."""
        from django.db import models, router, transaction

        pk = model._meta.pk
        numbered = pk.get_internal_type().endswith("AutoField") and self.word.isdigit()
        if numbered and not model._base_manager.filter(pk=int(self.word)).exists():
            values = {**values, pk.name: int(self.word)}
        one, alias = model(**values), router.db_for_write(model)
        with transaction.atomic(using=alias):
            models.Model.save_base(one, force_insert=True, using=alias)
        return one

    def values(self, model, user=False):
        """A value for each field that has to have one, and for those that name it."""
        found = {}
        for field in model._meta.concrete_fields:
            if field.remote_field is not None:
                if user and not field.null:
                    found[field.name] = self.provide(field.remote_field.model)
                continue
            kind = field.get_internal_type()
            if kind.endswith("AutoField"):
                continue
            if _is_name(field):
                found[field.name] = self._text(field)
            elif kind == "BooleanField" and _says(field, OPEN):
                found[field.name] = True
            elif field.has_default() or field.null or _is_stamped(field):
                continue
            elif not field.blank or field.unique or not field.empty_strings_allowed:
                found[field.name] = self._value(field, kind)
        return found

    def _value(self, field, kind):
        from django.utils import timezone

        choices = [c for c in field.flatchoices if c[0] not in ("", None)]
        if choices:
            return choices[0][0]
        now = timezone.now()
        if _says(field, LATER):
            now += datetime.timedelta(days=1)
        plain = {
            "BooleanField": False,
            "EmailField": "tutor@example.com",
            "URLField": "http://example.com/",
            "DateTimeField": now,
            "DateField": now.date(),
            "TimeField": now.time(),
            "DurationField": datetime.timedelta(hours=1),
            "DecimalField": decimal.Decimal(1),
            "FloatField": 1.0,
            "UUIDField": uuid.UUID(int=7),
            "JSONField": {},
            "BinaryField": b"",
            "GenericIPAddressField": "127.0.0.1",
            "IPAddressField": "127.0.0.1",
            "FileField": "",
            "FilePathField": "",
        }
        named = type(field).__name__
        if named in plain:
            return plain[named]
        if kind in plain:
            return plain[kind]
        if "Integer" in kind:
            return 1
        if kind in ("CharField", "TextField", "SlugField"):
            return self._text(field)
        raise UnfitError(str(field))


def _is_name(field):
    """Whether a route's argument may be what a field holds."""
    if field.remote_field is not None or field.get_internal_type() == "AutoField":
        return False
    kind = field.get_internal_type()
    if type(field).__name__ in ("EmailField", "URLField"):
        return False
    if kind == "UUIDField":
        return field.unique
    if kind not in ("CharField", "TextField", "SlugField") or field.flatchoices:
        return False
    return field.unique or kind == "SlugField" or field.name in NAMES


def _says(field, words):
    """Whether one of some words is in a field's name."""
    return any(word in field.name for word in words)


def _is_stamped(field):
    """Whether a field holds when its row was stored."""
    return getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
