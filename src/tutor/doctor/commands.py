"""The commands with which a project's files start servers and workers.

A Procfile, the units of systemd, supervisor's programs, a Dockerfile, compose's
services and shell scripts are read; what is not understood is left out.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath

from tutor.doctor import copying
from tutor.doctor.remembered import remembered
from tutor.doctor.serveroptions import TOLD, flags
from tutor.doctor.startfiles import ASSIGNED, Env, compose, procfile, reader

MOST = 100_000  # bytes of a file
DEEP = 4  # folders
SERVERS = ("daphne", "uvicorn", "gunicorn", "hypercorn")
_NO_STARTS = (".py", ".md", ".rst", ".txt", ".ipynb", ".lock", ".in", ".json", ".js")
_SHOWN = r"example|sample|template|dist"  # files for people, not for programs
_OF_TESTS = ("tox.ini", "setup.cfg", "pyproject.toml", ".gitlab-ci.yml")
_WHOLE = (procfile, compose)  # what they start is all that there is
_REMARK = re.compile(r"^[ \t]*#.*", re.M)  # starts nothing, nor does .gitignore
_REDIRECTS = re.compile(r"\d*[<>]")
_BEFORE = ("exec", "env", "nohup", "sudo", "command", "then", "else", "do", "time")
_RUNNERS = ("uv", "poetry", "pipenv", "pdm", "hatch", "rye")


@dataclass(frozen=True)
class Command:
    """One command, and where it stands.

    Args:
        file: relative to the project.
        line: from 1.
        program: a server's name, or the command of ``manage.py``.
        words: what follows it.
        env: variables that the file gives it, each with its line.
        complete: whether its file names all processes of a project.
        before: what stands before it in the file, such as the program's path.
    """

    file: str
    line: int
    program: str
    words: tuple[str, ...]
    env: Env
    complete: bool
    before: tuple[str, ...] = ()

    def read(self) -> Iterator[tuple[str, str]]:
        """Its options with their values; "" with those that are none."""
        for name, (value, _) in self.env.items():  # its own words win
            if self.program == "uvicorn" and name.startswith("UVICORN_"):
                yield f"--{name[8:].lower().replace('_', '-')}", value
        words = list(self.words)
        alone = flags(self.program)
        while words:
            word = words.pop(0)
            if not word.startswith("-") or word == "-":
                yield "", word
            elif "=" in word and word.startswith("--"):
                name, _, value = word.partition("=")
                yield name, value
            elif word in alone:
                yield word, ""
            elif not word.startswith("--") and len(word) > 2:
                yield word[:2], word[2:]
            else:
                yield word, words.pop(0) if words else ""

    def values(self, *names: str) -> list[str]:
        """What its options of these names are given."""
        return [value for name, value in self.read() if name in names]

    def value(self, *names: str) -> str | None:
        """What the last option of these names is given; None without one."""
        found = self.values(*names)
        return found[-1] if found else None

    @property
    def plain(self) -> list[str]:
        """The words that are no options."""
        return [value for name, value in self.read() if not name]

    @property
    def target(self) -> str | None:
        """The application that a server is given; None where that is not known."""
        found = [word for word in self.plain if known(word)]
        return found[0] if len(found) == len(self.plain) and found else None

    @property
    def worker(self) -> str:
        """The class of gunicorn's workers that it names; "" where it names none."""
        return self.value("-k", "--worker-class") or ""

    @property
    def server(self) -> str:
        """Who answers: its program, or uvicorn where gunicorn has uvicorn's workers."""
        below = self.program == "gunicorn" and "uvicorn" in self.worker.lower()
        return "uvicorn" if below else self.program

    def ports(self) -> set[str] | None:
        """Where a server listens: ports and sockets' files; None if not known."""
        told = self.values("-p", "--port") if self.program != "gunicorn" else []
        files = self.values("-u", "--unix-socket", "--uds")
        bound = self.values("-b", "--bind")
        if self.values("--fd", "-e", "--endpoint", "-c", "--config"):
            return None
        if not all(map(known, (*told, *files, *bound))):
            return None
        found = {*told, *files}
        if self.program in ("gunicorn", "hypercorn"):
            for one in bound:
                unix = one.startswith("unix:")
                found.add(one[5:] if unix else one.rpartition(":")[2])
            if not bound and "PORT" in self.env:
                return None
        return found or {"8000"}


def known(word: str) -> bool:
    """Whether a word says all by itself: no variable, no specifier of systemd."""
    return not re.search(r"[$%`{]", word)


def of_manage(one: Command) -> bool:
    """Whether a command is given to ``manage.py``, and is no program of its own."""
    names = [PurePosixPath(word).name for word in one.before[:-1]]
    return "manage.py" in names or "django-admin" in names


@remembered
def commands(project: Path) -> Iterator[Command]:
    """What the files of a project start."""
    for path in (every := files(project)):
        read = reader(path.name)
        with suppress(OSError, UnicodeDecodeError):
            if read is None or path.stat().st_size > MOST:
                continue
            file, complete = path.relative_to(project).as_posix(), read in _WHOLE
            for line, told, env in read(path.read_text(encoding="utf-8")):
                for before, program, words, more in simple(told):
                    own = {**env, **{n: (value, line) for n, value in more.items()}}
                    if (told_of := TOLD.get(program)) is not None:
                        words = told_of(project, file, words, own, every)
                    yield Command(file, line, program, words, own, complete, before)


@remembered
def variables(project: Path) -> Iterator[tuple[str, int, str, str]]:
    """What files of variables say, such as ``.env``: file, line, name, value.

    Examples are left out: nobody reads them but people.

    Args:
        project: the project's folder.
    """
    for path in files(project):
        if not re.fullmatch(r"\.env(\.\w+)?|[\w.-]+\.env", path.name):
            continue
        if re.search(_SHOWN, path.name):
            continue
        with suppress(OSError, UnicodeDecodeError):
            if path.stat().st_size > MOST:
                continue
            file = path.relative_to(project).as_posix()
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                told = re.match(r"\s*(?:export\s+)?(\w+)=(.*)", line)
                if told:
                    yield file, number, told[1], told[2].strip().strip("'\"")


@remembered
def files(project: Path) -> Iterator[Path]:
    """The files of a project, not too deep."""
    for folder, folders, names in os.walk(project):
        here = Path(folder)
        folders[:] = sorted(f for f in folders if f not in copying.SKIPPED)
        if len(here.relative_to(project).parts) >= DEEP:
            folders.clear()
        paths = (here / name for name in sorted(names))
        yield from (path for path in paths if path.is_file())  # no pipe: it would hang


Simple = tuple[tuple[str, ...], str, tuple[str, ...], dict[str, str]]


def simple(told: str | Sequence[str], depth: int = 0) -> Iterator[Simple]:
    """The servers and commands of Django in a line of a shell, or in its words."""
    if not isinstance(told, str):
        yield from _one(list(told), depth)
        return
    try:
        cut = shlex.shlex(told, posix=True, punctuation_chars=";&|\n")
        cut.whitespace, cut.whitespace_split = " \t\r", True
        words = list(cut)
    except ValueError:
        return
    part: list[str] = []
    for word in [*words, ";"]:
        if word and set(word) <= set(";&|\n"):
            yield from _one(part, depth)
            part = []
        else:
            part.append(word)


def _one(words: list[str], depth: int) -> Iterator[Simple]:
    words = list(takewhile(lambda word: not _REDIRECTS.match(word), words))
    env: dict[str, str] = {}
    whole = list(words)
    while words:
        name = PurePosixPath(words[0]).name
        if match := ASSIGNED.fullmatch(words[0]):
            env[match[1]] = match[2]
            words = words[1:]
        elif name in _BEFORE:
            words = words[1:]
        elif name in _RUNNERS and words[1:2] == ["run"]:
            words = words[2:]
        else:
            break
    if not words or depth > 2:
        return
    name = PurePosixPath(words[0]).name
    if name in ("sh", "bash") and "-c" in words[:3]:
        yield from simple("".join(words[words.index("-c") + 1 :][:1]), depth + 1)
        return
    if re.fullmatch(r"python[\d.]*", name):
        rest = words[1:]
        while rest and rest[0].startswith("-") and rest[0] != "-m":
            rest = rest[1:]
        words = rest[1:] if rest[:1] == ["-m"] else rest
        name = PurePosixPath(words[0]).name if words else ""
        name = "manage.py" if name == "django" else name
    if name in ("manage.py", "django-admin"):
        words = words[1:]
        name = words[0] if words else ""
    elif name not in SERVERS:
        return
    if name and not name.startswith("-"):
        before = tuple(whole[: len(whole) - len(words) + 1])
        yield before, name, tuple(words[1:]), env


def assigned(project: Path, variable: str) -> Iterator[tuple[str, int, str]]:
    """Where files that may start something give a variable a value: file, line, value.

    Each has its own way: ``X=1``, ``X: "1"``, ``ENV X 1``, ``environment=A="b",X="1"``.

    Args:
        project: the project's folder.
        variable: its name.
    """
    said = re.compile(
        rf"(?<![\w${{]){variable}[\"']?(?:\s*[=:]\s*|\s+)[\"']?([^\s\"',;]*)"
    )
    for path in files(project):
        if path.suffix in _NO_STARTS or re.search(_SHOWN, path.name):
            continue
        if path.name in _OF_TESTS or ".github" in path.parts or "test" in path.name:
            continue
        with suppress(OSError, UnicodeDecodeError):
            if path.stat().st_size > MOST:
                continue
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                bare = line.split(" #")[0].strip()
                if bare.startswith(("#", ";")):
                    continue
                for match in said.finditer(bare):
                    yield path.relative_to(project).as_posix(), number, match[1]


def mentioned(project: Path, pattern: str, apart: Collection[str] = ()) -> bool:
    """Whether some words stand in a file that may start something: no source or list.

    Args:
        project: the project's folder.
        pattern: a regular expression.
        apart: files that are not looked at, relative to the project.
    """
    packages = ("pyproject.toml", "setup.cfg", "Pipfile")
    for path in files(project):
        left_out = path.relative_to(project).as_posix() in apart
        if left_out or path.name in packages or path.suffix in _NO_STARTS:
            continue
        with suppress(OSError, UnicodeDecodeError):
            text = path.read_text("utf-8") if path.stat().st_size <= MOST else ""
            if re.search(pattern, _REMARK.sub("", text)):
                return True
    return False
