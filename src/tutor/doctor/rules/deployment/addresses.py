"""Where a started server listens, and whether it can: addresses, sockets' files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tutor.doctor import services
from tutor.doctor.commands import SERVERS, Command, commands, known, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import to_service
from tutor.doctor.rules.deployment.served import found
from tutor.doctor.rules.found import Found
from tutor.doctor.startfiles import is_image

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
# Whoever passes requests on may be in the same image.
_INSIDE = re.compile(r"nginx|caddy|supervisor|haproxy|envoy|traefik|apache|s6-", re.I)
_TO_ALL = re.compile(r"0\.0\.0\.0(?::|$)|\[?::\]?(?::\d|$)|:\d+$")
_PORT = re.compile(r"\$\{?PORT\b")
_RUN = re.compile(r"/(?:var/)?run/([\w.-]+)/")
_IN_RUN = re.compile(r"/(?:var/)?run/[\w.-]+")  # where root alone makes files
_NOT_ROOT = re.compile(r"(?m)^\s*User\s*=\s*(?!root\b|0\b)\S")
_END = r"(?![\w.-])"  # of a folder's name: not of web in web-api
_VENV = re.compile(
    r"\b(?:python[\d.]*\s+-m\s+venv|virtualenv|uv\s+venv)\s+(?:-\S+\s+)*(\S+)|"
    r"\buv\s+sync\b"
)
_ON_PATH = re.compile(
    r"(?<![A-Z_])PATH[= ]|activate\b|SYSTEM_PYTHON|UV_PROJECT_ENVIRONMENT"
)
_ELSEWHERE = re.compile(r"(?:^|\s|&&)\s*(?:python[\d.]*\s+-m\s+)?pip[\d.]*\s+install\b")
_A_VENV = r"[\w./-]*(venv|virtualenvs?|/env)/?[\w.-]*/bin/"


def rules(seen: Evidence) -> Iterator[Found]:
    told = commands(seen.project)
    for one in told:
        if one.program in (*SERVERS, "runserver") and _is_apart(seen, one, told):
            host = _host(one) or _usual(seen, one, told)
            if host in LOOPBACK and not mentioned(seen.project, r"\bUVICORN_HOST\b"):
                yield found(
                    "deploy-listens-on-loopback-only",
                    f"{one.program} listens on {host}, which is this container alone",
                    one,
                    "0.0.0.0, so that others may ask it",
                )
        if _is_fixed(seen, one):
            yield found(
                "deploy-port-of-the-platform-not-taken",
                f"{one.program} does not ask for PORT",
                one,
                "-p $PORT, as the platform says it",
            )
        if one.program in SERVERS:
            yield from _no_folder(seen, one)
            yield from _not_found(seen, one)


def _name(one: Command) -> str:
    return one.file.rpartition("/")[2].lower()


def _is_apart(seen: Evidence, one: Command, told: Sequence[Command]) -> bool:
    """Whether who asks this server comes from outside: of a container, of a dyno."""
    if _name(one) == "procfile":
        return bool(_PORT.search(" ".join(one.words)))
    text = (seen.project / one.file).read_text("utf-8", "replace")
    every = list(services.services(seen.project))
    if "compose" in _name(one):
        here = [s for s in every if one in services.started(s, told, {one.program})]
        return bool(here) and "network_mode" not in here[0].keys
    if not is_image(one.file):
        return False
    built = [s for s in every if s.dockerfile == one.file]
    used = [s for s in built if one in services.started(s, told, {one.program})]
    hosted = any("network_mode" in s.keys for s in used)
    return not _INSIDE.search(text) and bool(used or not built) and not hosted


def _is_fixed(seen: Evidence, one: Command) -> bool:
    """Whether the web process of a Procfile listens to all, and on no port of PORT's.

    People read a Procfile on their own machines, too, with honcho or foreman.
    """
    text = (seen.project / one.file).read_text("utf-8", "replace").splitlines()
    if _name(one) != "procfile" or not text[one.line - 1].startswith("web:"):
        return False
    if "PORT" in text[one.line - 1] or one.program not in (*SERVERS, "runserver"):
        return False
    if mentioned(
        seen.project, r"\b(?:honcho|foreman|overmind|hivemind|UVICORN_PORT)\b"
    ):
        return False
    plain = one.plain[:1] if one.program == "runserver" else []
    bound = [*_given(one), *plain, *one.values("-p", "--port")]
    return bool(bound) and all(map(known, bound)) and any(map(_TO_ALL.match, bound))


def _host(one: Command) -> str:
    """The address that a server is bound to; empty where it is not known."""
    if one.program == "runserver":
        plain = one.plain
        if len(plain) > 1 or not all(map(known, plain)):
            return ""
        host, colon, _ = (plain or [""])[0].rpartition(":")
        return host if colon else "127.0.0.1"
    other = ("--fd", "-e", "--endpoint", "-c", "--config", "-u", "--unix-socket")
    if one.values(*other, "--uds") or not all(map(known, _given(one))):
        return ""
    bound = _given(one)
    if one.program in ("gunicorn", "hypercorn"):
        if one.program == "gunicorn" and not bound:
            return ""  # that depends on where it runs: _usual
        bound = [b.rpartition(":")[0] for b in bound] or ["127.0.0.1"]
    return bound[-1] if bound else "127.0.0.1"


def _usual(seen: Evidence, one: Command, told: Sequence[Command]) -> str:
    """Where gunicorn listens that is told nothing, in a container of compose.

    A platform gives it a PORT, and it listens to all; compose gives it none.
    """
    elsewhere = ("-b", "--bind", "-c", "--config")
    if one.program != "gunicorn" or one.values(*elsewhere) or "PORT" in one.env:
        return ""
    every = services.services(seen.project)
    here = [s for s in every if one in services.started(s, told, {"gunicorn"})]
    for service in here:
        files = "env_file" in service.keys and not to_service(seen.project, service)
        if files or mentioned(seen.project, r"\b(?:PORT|GUNICORN_CMD_ARGS)\b"):
            return ""
    return LOOPBACK[0] if here else ""


def _given(one: Command) -> list[str]:
    return one.values("-b", "--bind", "--host")


def _no_folder(seen: Evidence, one: Command) -> Iterator[Found]:
    """A socket's file below /run, whose folder is gone after each start.

    Only a unit has a word for it; for supervisor the machine's own files make it.
    """
    if not _name(one).endswith(".service"):
        return
    for path in one.values("-u", "--unix-socket", "--uds", "-b", "--bind"):
        match = _RUN.match(path.removeprefix("unix:"))
        text = (seen.project / one.file).read_text("utf-8", "replace")
        if _IN_RUN.fullmatch(path.removeprefix("unix:")) and _NOT_ROOT.search(text):
            yield found(
                "deploy-unix-socket-directory-missing",
                f"Listen failure: [Errno 13] Permission denied: {path}",
                one,
                "a folder of its own below /run: RuntimeDirectory=…",
            )
        if match is None:
            continue
        folder = re.escape(match[1])
        made = (
            rf"RuntimeDirectory\s*=.*(%|(?<![\w.-]){folder}{_END})|"
            rf"(mkdir|install)\b.*/run/{folder}{_END}|"
            rf"^[dDevq]!?\s+(/var)?/run/{folder}{_END}"
        )
        if not mentioned(seen.project, f"(?m){made}"):
            yield found(
                "deploy-unix-socket-directory-missing",
                f"Listen failure: [Errno 2] No such file or directory: {path}",
                one,
                f"RuntimeDirectory={match[1]}",
            )


def _not_found(seen: Evidence, one: Command) -> Iterator[Found]:
    """A program by its bare name, which is in an environment of the project alone."""
    first = one.before[0] if one.before else ""
    if first not in SERVERS:
        return
    text = (seen.project / one.file).read_text("utf-8", "replace")
    if _name(one).endswith(".service"):
        lost = "PATH" not in one.env and mentioned(seen.project, _A_VENV)
    elif is_image(one.file):
        made = _VENV.search(text)
        plain = made is not None and not _ELSEWHERE.search(text)
        lost = plain and not _ON_PATH.search(text)
    else:
        return
    if lost:
        yield found(
            "deploy-program-not-on-path",
            f"{first}: command not found",
            one,
            f"the whole path: /…/bin/{first}",
        )
