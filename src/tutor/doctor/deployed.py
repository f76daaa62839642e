"""Which settings a project's servers are started with elsewhere, and with what."""

from __future__ import annotations

import re
from pathlib import Path

from tutor.doctor.commands import SERVERS, commands, known
from tutor.doctor.handed import handed
from tutor.doctor.services import services
from tutor.doctor.services import started as begun
from tutor.doctor.source import Source
from tutor.doctor.texts import text_of

WORD = "tutor-unset"  # for what only the other machine knows
VARIABLE = "DJANGO_SETTINGS_MODULE"
_STARTED = (*SERVERS, "runworker")  # what goes on; not tests, nor migrations
_NAMED = re.compile(
    rf"""{VARIABLE}['"]\s*[,\]=)]\s*=?\s*['"]([\w.]+)"""
)  # ("X", "package.settings"), ["X"] = "package.settings"


def named(text: str) -> str:
    """The settings that a program such as ``manage.py`` names; empty without any."""
    found = _NAMED.search(text)
    return found[1] if found else ""


def chosen(
    project: Path, home: Path, source: Source, target: str
) -> tuple[list[str], dict[str, str]]:
    """The modules of settings besides ``manage.py``'s, and what servers are told.

    Args:
        project: the project's folder.
        home: that of ``manage.py``.
        source: the project's source.
        target: where its application stands, as ``module:name``.

    Returns:
        The names of modules of the project, and variables with their values.
    """
    filled = handed(project)
    told = {name: one.value for name, one in filled.items() if one.value}
    blank = [name for name, one in filled.items() if not one.value]
    names: set[str] = {told[VARIABLE]} if VARIABLE in told else set()
    every = commands(project)
    for one in (each for each in every if each.program in _STARTED):
        for name, (value, _) in one.env.items():
            if name == VARIABLE:
                names.add(value)
            elif known(value):
                told[name] = value
    given = bool({*told} - {VARIABLE, *filled})
    by_image: dict[str, str] = {}
    for service in services(project):  # its image says what is started
        if service.starts or not begun(service, every, _STARTED):
            continue
        for name, (value, _) in service.below("environment").items():
            if name == VARIABLE:
                names.add(value)
            elif known(value):
                by_image[name] = value
    # Units and containers beside each other are two places.
    agree = all(told.get(name, value) == value for name, value in by_image.items())
    told |= by_image
    told |= {name: WORD for name in blank if name not in told}
    asgi = source.modules.get(target.partition(":")[0])
    if not names and asgi is not None:
        names.add(named(asgi.text))
    try:
        own = named(text_of(home / "manage.py"))
    except OSError:
        return [], told
    # The same settings may say something else there.
    if filled or given or (by_image and agree):
        names |= set() if names else {own}
    else:
        names.discard(own)
    return sorted(names & {*source.modules}), told
