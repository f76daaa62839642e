"""Where a project's files say what is started: the texts of commands, with their lines.

A Procfile, a shell script, a unit of systemd, a program of supervisor, a Dockerfile
and a service of compose each say it in their own way.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from tutor.doctor.compose import FILE, read

ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.S)
# A socket that supervisor opens itself and hands on is an fcgi-program's.
_PROGRAM = re.compile(r"\[(?:fcgi-)?program:[^]]+\]")

# A variable of a script, and where it asks for one.
_SAID = re.compile(r"\s*(\w+)=[\"']?([^\s\"'$`]+)[\"']?\s*$")
_ASKED = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

Env = Mapping[str, tuple[str, int]]
Told = tuple[int, "str | Sequence[str]", Env]
Reader = Callable[[str], Iterator[Told]]


def is_image(file: str) -> bool:
    """Whether a file says how an image is built: Dockerfile, web.Dockerfile."""
    name = PurePosixPath(file).name.lower()
    named = "dockerfile" in name or "containerfile" in name or name.endswith(".docker")
    return named and not name.endswith("ignore")


def reader(name: str) -> Reader | None:
    """What reads a file of this name."""
    lower = name.lower()
    if lower == "procfile" or lower.startswith("procfile."):
        return procfile
    if is_image(name):
        return _dockerfile
    if FILE.fullmatch(name):
        return compose
    endings: dict[str, Reader] = {
        ".service": _unit,
        ".conf": _supervisor,
        ".ini": _supervisor,
        ".sh": _script,
    }
    return endings.get(PurePosixPath(lower).suffix)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; one that ends in a backslash goes on."""
    begun, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if held and bare.startswith("#"):
            continue
        begun = begun or number
        if bare.endswith("\\"):
            held += bare[:-1] + " "
            continue
        if not (held + bare).startswith(("#", ";")):
            yield begun, held + (bare if held else line.rstrip())
        begun, held = 0, ""


def procfile(text: str) -> Iterator[Told]:
    for line, said in logical_lines(text):
        if match := re.match(r"[\w-]+:\s*(.+)", said):
            yield line, match[1], {}


def _script(text: str) -> Iterator[Told]:
    env: dict[str, tuple[str, int]] = {}
    own: dict[str, str] = {}  # what the script calls by a name; "" if two things
    for line, said in logical_lines(text):
        if match := re.match(r"\s*export\s+(\w+)=(\S*)\s*$", said):
            env[match[1]] = match[2].strip("'\""), line
        elif match := _SAID.match(said):
            own[match[1]] = match[2] if match[1] not in own else ""
        else:
            told = _ASKED.sub(lambda one: own.get(one[1] or one[2]) or one[0], said)
            yield line, told.strip(), dict(env)


def _unit(text: str) -> Iterator[Told]:
    env: dict[str, tuple[str, int]] = {}
    started: list[tuple[int, str]] = []
    for line, said in logical_lines(text):
        key, _, value = said.partition("=")
        if key.strip() == "ExecStart" and value.strip():
            started.append((line, value.strip().lstrip("@-:+!")))
        elif key.strip() == "Environment":
            with suppress(ValueError):
                for word in shlex.split(value):
                    if match := ASSIGNED.fullmatch(word):
                        env[match[1]] = match[2], line
    for line, said in started:
        yield line, said, env


def _supervisor(text: str) -> Iterator[Told]:
    """The programs of supervisor; nothing from other files that end like these."""
    parts: list[tuple[list[tuple[int, str]], dict[str, tuple[str, int]]]] = []
    inside = False
    for line, said in _values(text):
        if said.startswith("["):
            inside = bool(_PROGRAM.match(said))
            parts.append(([], {}))
        elif inside and (match := re.match(r"command\s*[=:]\s*(.+)", said)):
            parts[-1][0].append((line, match[1]))
        elif inside and (match := re.match(r"environment\s*[=:]\s*(.+)", said)):
            for name, value in re.findall(r"(\w+)=[\"']?([^\"',]*)", match[1]):
                parts[-1][1][name] = value, line
    for told, env in parts:
        for line, said in told:
            yield line, said, env


def _values(text: str) -> Iterator[tuple[int, str]]:
    """Lines as configparser has them: what is indented belongs to the line before."""
    held: tuple[int, str] | None = None
    for line, said in logical_lines(text):
        if held is not None and said[:1].isspace() and said.strip():
            held = held[0], f"{held[1]} {said.strip()}"
            continue
        if held is not None:
            yield held
        held = line, said
    if held is not None:
        yield held


def _listed(text: str) -> list[str] | None:
    """The words of ``["a", "b"]``; None where it is none."""
    for parse in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            found = parse(text)
            if isinstance(found, list):
                return [str(word) for word in found]
    return None


def _dockerfile(text: str) -> Iterator[Told]:
    """What an image starts: its CMD, behind its ENTRYPOINT where it has both."""
    env: dict[str, tuple[str, int]] = {}
    entry: tuple[int, str | list[str]] | None = None
    for line, said in logical_lines(text):
        word, _, rest = said.strip().partition(" ")
        kind, rest = word.upper(), rest.strip()
        if kind == "FROM":
            entry = None
        elif kind == "ENV":
            with suppress(ValueError):
                words = shlex.split(rest)
                pairs = [match for w in words if (match := ASSIGNED.fullmatch(w))]
                env.update({match[1]: (match[2], line) for match in pairs})
                if not pairs and len(words) == 2:
                    env[words[0]] = words[1], line
        elif kind in ("CMD", "ENTRYPOINT"):
            listed = _listed(rest)
            told = rest if listed is None else listed
            if kind == "ENTRYPOINT":
                entry = line, told
                continue
            before = entry[1] if entry else []
            if before and not isinstance(before, str) and listed is not None:
                yield line, [*before, *listed], env
            if not before or not isinstance(before, str):
                yield line, told, env  # a script's entry point ends with exec "$@"
            entry = None
    if entry:
        yield *entry, env


def compose(text: str) -> Iterator[Told]:
    """The commands of services, with what ``environment`` says beside them."""
    for service in read("", text):
        env = service.below("environment")
        first = service.keys.get("entrypoint")
        said = service.keys.get("command")
        if first and said:  # arguments of the entrypoint
            yield said[1], [*_words(first[0]), *_words(said[0])], env
        elif only := said or first:
            yield only[1], only[0], env


def _words(said: str | list[str]) -> list[str]:
    """A command's words, however it is written."""
    with suppress(ValueError):
        return shlex.split(said) if isinstance(said, str) else said
    return []
