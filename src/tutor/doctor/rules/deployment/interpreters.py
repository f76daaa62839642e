"""Programs that are started without the environment in which the packages are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from tutor.doctor.commands import SERVERS, Command, commands, files, of_manage
from tutor.doctor.evidence import Evidence
from tutor.doctor.recipes import recipes
from tutor.doctor.rules.deployment.served import RANK, TRIED, found
from tutor.doctor.rules.found import Found
from tutor.doctor.startfiles import is_image

MOST = 100_000  # bytes of a file
# What comes with the machine, and where an image has its own.
_OF_THE_SYSTEM = re.compile(r"/(?:usr/(?:local/)?)?bin/python[\d.]*")
_A_VENV = re.compile(r"[\w./-]*(?:venv|virtualenvs?|/env)/?[\w.-]*/bin/")
_MADE = re.compile(r"\b(?:python[\d.]*\s+-m\s+venv|virtualenv|uv\s+venv)\s")
_INTO_SYSTEM = re.compile(
    r"(?<![\w./-])(?:python[\d.]*\s+-m\s+)?pip[\d.]*\s+install\b|--system(?![\w])"
)
_PATH = re.compile(r"(?<![A-Z_])PATH\s*[=:]|(?<![A-Z_])PATH\s+/")
_ACTIVATED = re.compile(r"\bactivate\b")

# ["daphne -p 8000 a:b"]: one word, with spaces in it.
_GLUED = re.compile(
    r"""(?m)^\s*(?:CMD|ENTRYPOINT|command:|entrypoint:)\s*\[\s*["']"""
    r"""((?:daphne|uvicorn|gunicorn|hypercorn|python[\d.]*)\s[^"'\n]*)["']\s*\]"""
)
_KEPT = "operate-sigterm-is-not-handed-on"
_HEARS = re.compile(r"\btrap\b|\btini\b|dumb-init|\bs6-|supervisor")


def rules(seen: Evidence) -> Iterator[Found]:
    texts = dict(_texts(seen))
    for one in (*commands(seen.project), *recipes(seen.project)):
        if one.program not in SERVERS and not of_manage(one):
            continue
        if is_image(one.file) or "compose" in one.file.lower():
            continue  # its packages are the image's own
        of_the_system = any(map(_OF_THE_SYSTEM.fullmatch, one.before))
        if of_the_system and _installs_apart(one, texts):
            yield found(
                "install-outside-the-virtualenv",
                "ModuleNotFoundError: No module named 'django'",
                one,
                "the interpreter of the environment that the packages are in",
            )
            break
    for one in commands(seen.project):
        first = one.before[0] if one.before else ""
        got = ""
        if one.file.endswith(".service") and re.match(r"[\w.-]+/", first):
            got = f"{first!r} is neither an absolute path nor a name"
        elif _is_supervised(one, texts) and _lacks_path(one, texts):
            got = f"can't find command '{first}'"
        if got:
            expected = f"the whole path: /…/bin/{one.program}"
            yield found("deploy-program-not-on-path", got, one, expected)
            return
    for file, text in texts.items():
        if (is_image(file) or "compose" in file) and (match := _GLUED.search(text)):
            got = f'exec: "{match[1]}": executable file not found in $PATH'
            place = file, text.count("\n", 0, match.start(1)) + 1
            right = "each word in quotes of its own"
            yield Found("deploy-program-not-on-path", got, place, RANK, TRIED, right)
            return
    yield from _unheard(seen, texts)


def _unheard(seen: Evidence, texts: dict[str, str]) -> Iterator[Found]:
    """A script that an image starts, and whose shell keeps SIGTERM from the server."""
    images = "\n".join(text for file, text in texts.items() if is_image(file))
    for one in commands(seen.project):
        name = one.file.rpartition("/")[2]
        started = re.search(rf"(?m)^(?:CMD|ENTRYPOINT)\b.*{re.escape(name)}", images)
        if (
            one.program in SERVERS
            and name.endswith(".sh")
            and "exec" not in one.before
            and started
            and not _HEARS.search(images + texts.get(one.file, ""))
        ):
            got = "docker stop waits ten seconds, then kills: the shell hears SIGTERM"
            yield replace(
                found(_KEPT, got, one, f"exec {one.program} …", 10),
                milder="A shell that is the first process of a container neither "
                "ends by SIGTERM nor hands it on to what it has started.",
            )
            return


def _texts(seen: Evidence) -> Iterator[tuple[str, str]]:
    """What stands in the files that may start or install something."""
    for path in files(seen.project):
        apart = path.suffix in (".py", ".md", ".rst", ".txt", ".ipynb", ".js", ".lock")
        with suppress(OSError, UnicodeDecodeError):
            if not apart and path.stat().st_size <= MOST:
                file = path.relative_to(seen.project).as_posix()
                yield file, path.read_text("utf-8")


def _installs_apart(one: Command, texts: dict[str, str]) -> bool:
    """Whether the packages go to an environment of the project's, and nowhere else."""
    own = texts.get(one.file, "")
    unit = one.file.endswith((".service", ".conf", ".ini"))
    told = "\n".join(texts.values()) if unit else own
    made = bool(_MADE.search(told)) or bool(_A_VENV.search(told))
    return made and not _INTO_SYSTEM.search(told) and not _ACTIVATED.search(told)


def _is_supervised(one: Command, texts: dict[str, str]) -> bool:
    """Whether supervisor or systemd starts a server by its bare name."""
    unit = one.file.endswith(".service") or (
        one.file.endswith((".conf", ".ini")) and "[program:" in texts.get(one.file, "")
    )
    return unit and one.program in SERVERS and one.before[:1] == (one.program,)


def _lacks_path(one: Command, texts: dict[str, str]) -> bool:
    """Whether the packages are in an environment that no one's PATH leads to."""
    every = "\n".join(texts.values())
    return bool(_A_VENV.search(every)) and not any(
        _PATH.search(text) or ("supervisord" in text and _ACTIVATED.search(text))
        for text in texts.values()
    )
