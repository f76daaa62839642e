# mypy: ignore-errors
"""The folders in which Django looks for templates and for static files."""

import os

from .report import inside


def of_templates(engine):
    """The folders of an engine, and those of loaders that are told apart."""
    found = [*engine.template_dirs]
    for one in getattr(getattr(engine, "engine", None), "template_loaders", None) or []:
        for loader in (one, *(getattr(one, "loaders", None) or ())):
            if hasattr(loader, "get_dirs"):
                found += loader.get_dirs()
    # One that is relative is of the folder in which the server starts, as ours does.
    return list(dict.fromkeys(map(os.path.abspath, found)))


def of_static():
    """The folders of the finders, what each is called by, and what is not there."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders

    found, prefixes = [], {}
    for finder in get_finders():
        for storage in getattr(finder, "storages", {}).values():
            place = inside(os.path.join(str(storage.location), "x"))
            if place:
                found.append(place[:-2])
                prefixes[place[:-2]] = str(getattr(storage, "prefix", None) or "")
    named = [
        one[1] if isinstance(one, (list, tuple)) else one for one in _told(settings)
    ]
    return {
        "folders": found,
        "prefixes": {key: value for key, value in prefixes.items() if value},
        "lost": [str(one) for one in named if not os.path.isdir(one)],
        "root": str(getattr(settings, "STATIC_ROOT", None) or ""),
    }


def _told(settings):
    return [
        one
        for one in settings.STATICFILES_DIRS
        if isinstance(one, (str, os.PathLike))
        or (isinstance(one, (list, tuple)) and len(one) == 2)
    ]
