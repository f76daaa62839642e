# mypy: ignore-errors
"""Load a project the way its own ``manage.py`` does, and say how that went."""

import os
import runpy
import sys

from .report import ROOT, emit, failed

stage = ["starting"]


class _Captured(BaseException):
    """Django has been asked for a command: everything before it has run."""


def begin():
    """Stand where a person stands who types ``python manage.py``."""
    sys.path[:] = [ROOT] + [p for p in sys.path if p not in ("", ROOT)]
    sys.argv[:] = ["manage.py", "check"]


def settings_name():
    """Run ``manage.py`` up to the command; the settings module it chose, or None."""
    stage[0] = "manage.py"
    try:
        from django.core import management
    except BaseException as error:
        failed("django", error)
        return None

    def captured(argv=None):
        raise _Captured

    real = management.execute_from_command_line
    management.execute_from_command_line = captured
    try:
        runpy.run_path("manage.py", run_name="__main__")
        emit("failed", stage="manage.py", error=[])
    except _Captured:
        pass
    except BaseException as error:
        failed("manage.py", error)
    finally:
        management.execute_from_command_line = real
    return os.environ.get("DJANGO_SETTINGS_MODULE")


def settings():
    """Load the settings; True if they are there."""
    stage[0] = "settings"
    name = settings_name()
    emit("settings-module", name=name)
    if name is None:
        return False
    stage[0] = "settings"
    try:
        from django.conf import settings as loaded

        loaded.INSTALLED_APPS  # noqa: B018  (this is what loads them)
    except BaseException as error:
        failed("settings", error)
        return False
    return True


def setup():
    """Fill the registry of apps, then import what the pages need."""
    stage[0] = "apps"
    try:
        import django

        django.setup()
    except BaseException as error:
        failed("apps", error)
        return False
    return True


def path_of(dotted):
    """Import ``package.module.name``; the object.

    Raises:
        whatever the import raises; AttributeError where the name is missing.
    """
    import importlib

    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)
