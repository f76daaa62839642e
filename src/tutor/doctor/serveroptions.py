"""What servers are told besides their own words: by a file, and by variables.

Those of gunicorn come from ``gunicorn.conf.py`` or what ``-c`` names, then from
``GUNICORN_CMD_ARGS``, then from its words; who speaks last is heard.
"""

from __future__ import annotations

import io
import re
import shlex
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tutor.doctor.compose import FILE, read

VARIABLE = "GUNICORN_CMD_ARGS"
USUAL = "gunicorn.conf.py"
_UVICORN = "UVICORN_"  # begins the variables that stand for options
UNKNOWN = "$"  # what only the running program knows
MOST = 100_000  # bytes of a file
_OPTIONS = {
    "bind": "--bind",
    "worker_class": "--worker-class",
    "workers": "--workers",
    "chdir": "--chdir",
    "pythonpath": "--pythonpath",
    "keyfile": "--keyfile",
}
# Options that take no value; whatever else begins with a dash takes one.
_FLAGS = {
    *("-h", "--help", "--version", "-D", "--daemon", "--reload", "--preload"),
    *("--proxy-headers", "--no-proxy-headers", "--no-server-name", "--factory"),
    *("--server-header", "--no-server-header", "--date-header", "--no-date-header"),
    *("--access-log", "--no-access-log", "--use-colors", "--no-use-colors"),
    *("--reset-contextvars", "--check-config", "--print-config", "--no-sendfile"),
    *("--capture-output", "-R", "--enable-stdio-inheritance", "--initgroups"),
    *("--traceback", "--no-color", "--force-color", "--skip-checks", "--noreload"),
    *("--nothreading", "--insecure", "--nostatic", "--noinput", "--no-input"),
    "--noasgi",
}
_TAKES = {"daphne": {"--access-log"}}  # and is a flag elsewhere


def flags(program: str) -> set[str]:
    """The options of a program that take no value."""
    return _FLAGS - _TAKES.get(program, set())


def whole(
    project: Path,
    file: str,
    words: Sequence[str],
    env: Mapping[str, tuple[str, int]],
    every: Sequence[Path],
) -> tuple[str, ...]:
    """The words of a command, as if all that it is told stood in them.

    Args:
        project: the project's folder.
        file: where the command stands, relative to the project.
        words: what follows the program.
        env: the variables that are given to it.
        every: the files of the project.
    """
    beside = {} if VARIABLE in env else _by_compose(project, file, every)
    given = env[VARIABLE][0] if VARIABLE in env else beside.get(VARIABLE, "")
    said = list(words)
    with suppress(ValueError):
        said = [*shlex.split(given), *words]
    conf, own = _conf(project, said, every)
    if conf is None:
        return tuple(said)
    told, served = list[str](), list[str]()
    for name, value in _assigned(conf):
        if name == "wsgi_app":
            served.append(value)  # behind: an application among the words comes first
        elif name in _OPTIONS:
            told.append(f"{_OPTIONS[name]}={value}")
    return (*told, *own, *served)


def by_variables(
    project: Path,
    file: str,
    words: Sequence[str],
    env: Mapping[str, tuple[str, int]],
    every: Sequence[Path],
) -> tuple[str, ...]:
    """The words of uvicorn in an image, with what a service's variables say before."""
    given = _by_compose(project, file, every)
    more = {name: value for name, value in given.items() if name not in env}
    options = {
        f"--{name.removeprefix(_UVICORN).lower().replace('_', '-')}={value}"
        for name, value in more.items()
        if name.startswith(_UVICORN)
    }
    return (*sorted(options), *words)


def _by_compose(project: Path, file: str, every: Sequence[Path]) -> dict[str, str]:
    """What the services give it that start what their image says."""
    for path in every:
        if not FILE.fullmatch(path.name):
            continue
        with suppress(OSError, UnicodeDecodeError):
            if path.stat().st_size > MOST:
                continue
            shown = path.relative_to(project).as_posix()
            for service in read(shown, path.read_text(encoding="utf-8")):
                given = service.below("environment")
                if given and service.dockerfile == file and not service.starts:
                    return {name: value for name, (value, _) in given.items()}
    return {}


def _conf(
    project: Path, said: Sequence[str], every: Sequence[Path]
) -> tuple[str | None, list[str]]:
    """The text of the file with settings, and the words without its name.

    None where there is no such file, or where it is not known which one it is.
    """
    own, named = list[str](), ""
    words = iter(said)
    for word in words:
        if word in ("-c", "--config"):
            named = next(words, "")
        elif word.startswith("--config="):
            named = word.partition("=")[2]
        elif word.startswith("-c") and not word.startswith("--"):
            named = word[2:]
        else:
            own.append(word)
    path = PurePosixPath(named.removeprefix("file:") or USUAL)
    fits = [one for one in every if one.name == path.name and path.suffix == ".py"]
    if not named:  # only where it is started, which is one of these as a rule
        fits = [
            one
            for one in fits
            if one.parent == project or (one.parent / "manage.py").exists()
        ]
    with suppress(OSError, UnicodeDecodeError):
        if len(fits) == 1 and fits[0].stat().st_size <= MOST:
            return fits[0].read_text(encoding="utf-8"), own
    return None, list(said)


def _assigned(text: str) -> Iterator[tuple[str, str]]:
    """What a file of settings assigns, by names: once, and whatever happens.

    Its tokens are read, and no tree is made: this runs beside other threads, and
    Python 3.11 parses in one at a time.
    """
    found: dict[str, str] = {}
    line: list[tokenize.TokenInfo] = []
    idle = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type != tokenize.NEWLINE:
                line += [token] if token.type not in idle else []
                continue
            words = [one.string for one in line]
            if "=" in words[1:] and words[1] in ("=", ":"):
                sure = line[0].start[1] == 0 and words[0] not in found
                value = _value(line[words.index("=") + 1 :])
                found[words[0]] = value if sure else UNKNOWN
            line = []
    for name in (*_OPTIONS, "wsgi_app"):
        if name in found:
            yield name, found[name]
        elif re.search(rf"\b{name}\b|import \*", text):
            yield name, UNKNOWN


def _value(tokens: Sequence[tokenize.TokenInfo]) -> str:
    kinds = (tokenize.STRING, tokenize.NUMBER)
    held = [one.string for one in tokens if one.type in kinds]
    only = all(one.type in kinds or one.string in ("[", "]", ",") for one in tokens)
    if not only or not held or not held[-1].strip("'\"").isprintable():
        return UNKNOWN
    plain = held[-1][0] in "'\"" or held[-1].isdecimal()  # and not f"…"
    return held[-1].strip("'\"") if plain else UNKNOWN


# What each of these servers is told besides its own words.
TOLD = {"gunicorn": whole, "uvicorn": by_variables}
