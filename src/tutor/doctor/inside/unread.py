# mypy: ignore-errors
"""The project's own templates that Django cannot read."""

import os

from . import folders
from .report import emit, error_of, inside

MOST = 300  # templates


def unread():
    """Read each template as a page does that shows it, and show none."""
    from django.template import TemplateSyntaxError, engines
    from django.template.backends.django import DjangoTemplates

    left = MOST
    for engine in engines.all():
        if not isinstance(engine, DjangoTemplates):
            continue
        for folder in folders.of_templates(engine):
            if not inside(os.path.join(folder, "x")):
                continue
            for path in _pages(folder):
                left -= 1
                if left < 0:
                    return
                name = os.path.relpath(path, folder).replace(os.sep, "/")
                try:
                    engine.get_template(name)
                except TemplateSyntaxError as error:
                    line = getattr(getattr(error, "token", None), "lineno", None)
                    told = {"file": inside(path), "line": line}
                    emit("template-failed", name=name, error=error_of(error), **told)
                except Exception:  # a page that shows it says so
                    continue


def _pages(folder):
    for place, names, files in os.walk(folder):
        names.sort()
        for file in sorted(files):
            if file.endswith(".html"):
                yield os.path.join(place, file)
