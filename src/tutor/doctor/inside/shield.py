# mypy: ignore-errors
"""Let a project run without changing anything outside its copy.

The project is a copy; what it could still reach are databases elsewhere, mail,
a Redis that others use, and the workers that take its jobs.  The settings are
changed as they are loaded.
"""

import os
import re
import shutil

from .report import ROOT, emit

BIG = 50_000_000  # bytes; a larger database is not copied


def raise_shield():
    """Replace the outer world in the settings, at the moment they are loaded."""
    from django import conf

    real = conf.Settings.__init__

    def init(self, module):
        try:
            real(self, module)
        except BaseException as error:
            other = _chosen_by_manage()
            if not other or other == module or not _is_for_elsewhere(error):
                raise
            real(self, other)
        for change in (_databases, _mail, _layers, _sessions, _jobs):
            try:
                change(self)
            except Exception as error:
                emit("shield-failed", text=repr(error))

    conf.Settings.__init__ = init


_NAMED = re.compile(r"""DJANGO_SETTINGS_MODULE['"]\s*[,\]=)]\s*=?\s*['"]([\w.]+)""")
_UNSET = re.compile(r"environment variable|envvar", re.I)


def _chosen_by_manage():
    """The settings that ``manage.py`` names: those of this machine."""
    try:
        with open(os.path.join(ROOT, "manage.py"), encoding="utf-8") as file:
            named = _NAMED.search(file.read())
    except (OSError, ValueError):
        return None
    return named[1] if named else None


def _is_for_elsewhere(error):
    """Whether settings ask for a variable that only the production's machine has."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if isinstance(error, KeyError):
        return last is not None and last.tb_frame.f_globals is vars(os)
    return "UndefinedValue" in type(error).__name__ or bool(_UNSET.search(str(error)))


def _databases(settings):
    for alias, database in list(settings.DATABASES.items()):
        if not database:
            continue
        engine = database.get("ENGINE", "")
        name = str(database.get("NAME") or "")
        if "sqlite" in engine and (not name or ":memory:" in name or _inside(name)):
            continue
        copy = os.path.join(ROOT, f".tutor-{alias}.sqlite3")
        if "sqlite" in engine and os.path.exists(name) and os.path.getsize(name) < BIG:
            shutil.copyfile(name, copy)
        settings.DATABASES[alias] = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": copy,
        }
        emit("database-replaced", alias=alias, engine=engine)


def _inside(name):
    return os.path.realpath(name).startswith(ROOT + os.sep)


def _mail(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def _layers(settings):
    for layer in (getattr(settings, "CHANNEL_LAYERS", None) or {}).values():
        if isinstance(layer, dict) and "redis" in str(layer.get("BACKEND", "")).lower():
            layer.setdefault("CONFIG", {})["prefix"] = f"tutor-doctor-{os.getpid()}"


def _sessions(settings):
    """Keep the sessions that a client of ours is given in this process."""
    settings.SESSION_FILE_PATH = ROOT
    if "cache" in settings.SESSION_ENGINE:
        ours = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
        settings.CACHES = {**settings.CACHES, "tutor-sessions": ours}
        settings.SESSION_CACHE_ALIAS = "tutor-sessions"


def _jobs(settings):
    """Keep what is handed to Celery in this process: no worker is to do it.

    It asks these variables before all that is written in settings and programs.
    """
    os.environ["CELERY_BROKER_URL"] = "memory://"
    os.environ["CELERY_RESULT_BACKEND"] = "cache+memory://"


def raise_shield_later():
    """The same where Django itself may be missing: that is for others to report."""
    try:
        raise_shield()
    except ImportError:
        return
