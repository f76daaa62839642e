"""In which folders of a machine units and programs are started: one shows the other.

A unit that starts ``manage.py`` tells where the project lies there, as does the folder
of files that nginx serves, and so where a server finds what it is to serve.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tutor.doctor.commands import Command, commands, known, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import sites

_FOLDER = re.compile(r"\s*(?:WorkingDirectory|directory)\s*=\s*[\"']?(/[^\s\"';]*)")
# "BASE_DIR / 'static'", "os.path.join(BASE_DIR, 'static')", "str(BASE_DIR / 'static')"
_BELOW = re.compile(
    r"(?:str\()?BASE_DIR / '([\w/.-]+)'\)?|os\.path\.join\(BASE_DIR, '([\w/.-]+)'\)"
)
_FILES = (".service", ".conf", ".ini")


def beside(seen: Evidence, one: Command, root: str) -> str | None:
    """The folder of a server beside the right one, which another unit shows.

    Args:
        seen: the evidence.
        one: a command that starts a server.
        root: the folder with what it serves, relative to the project.
    """
    here = folder(seen, one)
    if here is None or _may_find_more(seen):
        return None
    home = seen.home.relative_to(seen.project).as_posix()
    right = {
        posixpath.normpath(posixpath.join(other, posixpath.relpath(root, home)))
        for other in _homes(seen)
    }
    near = any(
        here.startswith(f"{other}/") or other.startswith(f"{here}/") for other in right
    )
    return here if near and here not in right else None


def folder(seen: Evidence, one: Command) -> str | None:
    """Where a unit or a program of supervisor runs; None where that is not told."""
    if not one.file.endswith(_FILES):
        return None
    lines = (seen.project / one.file).read_text("utf-8", "replace").splitlines()
    first = last = one.line - 1
    while first > 0 and not lines[first].lstrip().startswith("["):
        first -= 1
    while last + 1 < len(lines) and not lines[last + 1].lstrip().startswith("["):
        last += 1
    matches = map(_FOLDER.match, lines[first : last + 1])
    told = [match[1] for match in matches if match]
    return posixpath.normpath(told[-1]) if told and known(told[-1]) else None


def _homes(seen: Evidence) -> Iterator[str]:
    """The folders in which ``manage.py`` lies, there."""
    for one in commands(seen.project):
        named = [word for word in one.before if PurePosixPath(word).name == "manage.py"]
        runs = folder(seen, one)
        if named and runs is not None and known(named[0]):
            yield posixpath.normpath(posixpath.join(runs, posixpath.dirname(named[0])))
    below = _collected(seen)
    for site in sites(seen.project) if below else ():
        for server in site.servers():
            for at in server.all("location"):
                for told in at.all("alias"):
                    path = posixpath.normpath(told.args[0]) if told.args else ""
                    if path.endswith(below) and known(path):
                        yield path.removesuffix(below) or "/"


def _collected(seen: Evidence) -> str:
    """The folder that collectstatic fills, as it stands behind that of the project."""
    every = seen.source.modules.values()
    values = [value for one in every for value in one.values.get("STATIC_ROOT", [])]
    matches = [_BELOW.fullmatch(ast.unparse(value)) for value in values]
    found = {f"/{match[1] or match[2]}" if match else "" for match in matches}
    return found.pop() if len(found) == 1 else ""


def _may_find_more(seen: Evidence) -> bool:
    """Whether something else may lead a server to the project's packages."""
    lists = ("setup.py", "setup.cfg", "pyproject.toml")  # it may be installed
    packaged = any((seen.project / name).exists() for name in lists)
    return packaged or mentioned(seen.project, r"PYTHONPATH|\bcd\s|\.pth\b")
