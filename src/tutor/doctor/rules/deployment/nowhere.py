"""A server that is told a module that the project has nowhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from tutor.doctor import copying
from tutor.doctor.commands import SERVERS, Command, commands, known
from tutor.doctor.evidence import Evidence
from tutor.doctor.recipes import recipes
from tutor.doctor.rules.deployment.served import RANK, TRIED
from tutor.doctor.rules.found import Found

_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*\.(?:asgi|wsgi)")
_FILE = re.compile(r"\w+(?:/\w+)*/(?:asgi|wsgi)(?:\.py)?|\w+(?:\.\w+)*\.asgi\.py")


def rules(seen: Evidence) -> Iterator[Found]:
    """``daphne another.asgi:application``: the name of a guide's project."""
    if not seen.target or seen.asgi_module not in seen.source.modules:
        return
    for one in [*commands(seen.project), *recipes(seen.project)]:
        module = (one.target or "").partition(":")[0]
        if one.program not in SERVERS or not known(module):
            continue
        if _FILE.fullmatch(module) or _is_nowhere(seen, module, one):
            yield Found(
                "deploy-application-misspelled",
                f"ModuleNotFoundError: No module named {module.partition('.')[0]!r}",
                (one.file, one.line),
                RANK,
                TRIED,
                f"{one.program} {seen.target}",
            )
            return


def _is_nowhere(seen: Evidence, module: str, one: Command) -> bool:
    """Whether no file of the whole project may be the module that is meant."""
    if not _MODULE.fullmatch(module) or module in seen.source.modules:
        return False
    if any(map(one.value, ("--app-dir", "--chdir", "--pythonpath"))):
        return False
    end = "/" + module.replace(".", "/") + ".py"
    for folder, folders, names in os.walk(seen.project):
        folders[:] = [name for name in folders if name not in copying.SKIPPED]
        if any(f"/{folder}/{name}".endswith(end) for name in names):
            return False
    return True
