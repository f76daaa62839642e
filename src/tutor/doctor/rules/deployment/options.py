"""The options that a project's files give to servers, against what those take."""

from __future__ import annotations

import re

from tutor.doctor.commands import Command, known, mentioned
from tutor.doctor.evidence import Evidence

# All that daphne takes; a test compares them with the installed one's.
DAPHNE = {
    *("-h", "--help", "-p", "--port", "-b", "--bind", "-u", "--unix-socket", "--fd"),
    *("--websocket_timeout", "--websocket_connect_timeout", "-e", "--endpoint"),
    *("-v", "--verbosity", "-t", "--http-timeout", "--access-log", "--log-fmt"),
    *("--ping-interval", "--ping-timeout", "--websocket-max-message-size"),
    *("--websocket-max-frame-size", "--application-close-timeout", "--root-path"),
    *("--proxy-headers", "--proxy-headers-host", "--proxy-headers-port"),
    *("-s", "--server-name", "--no-server-name"),
}
# Who hands on a socket that is open already, under the number 0.
_HANDED_ON = r"\[fcgi-program:|StandardInput\s*=\s*socket|\bnowait\b"
_WITH_PORT = re.compile(r"[^:\[\]]+:(\d+|\$\w+|\$\{\w+\})")
_WORKER = r"-k|--worker-class"


# Options of others; uvicorn has none with one letter.
_OF_OTHERS = {
    *("--bind", "--worker-class", "--unix-socket", "--certfile", "--chdir"),
    *("--keyfile", "--access-logfile", "--threads", "--endpoint", "--http-timeout"),
}


def refused(seen: Evidence, one: Command) -> str:
    """What daphne or uvicorn says to its options; empty where it takes them."""
    if one.program == "uvicorn":
        wrong = (n for n, _ in one.read() if re.match("-[^-]", n) or n in _OF_OTHERS)
        return next((f"Error: No such option: {name}" for name in wrong), "")
    if one.program != "daphne":
        return ""
    for name, value in one.read():
        if name and not _is_option(name):
            return f"daphne: error: unrecognized arguments: {name} {value}".rstrip()
        if name in ("-p", "--port") and known(value) and not value.isdecimal():
            return f"daphne: error: argument -p/--port: invalid int value: {value!r}"
        if name in ("-b", "--bind") and _WITH_PORT.fullmatch(value):
            return f"Couldn't listen on {value}:8000: Name or service not known."
        handed_on = name == "--fd" and not mentioned(seen.project, _HANDED_ON)
        if handed_on and value in ("0", "1", "2"):
            return "Listen failure: [Errno 88] Socket operation on non-socket"
    plain = one.plain
    if len(plain) > 1 and all(map(known, plain)):
        return f"daphne: error: unrecognized arguments: {' '.join(plain[1:])}"
    return ""


def _is_option(name: str) -> bool:
    """Whether daphne takes it; the beginning of a long option's name will do."""
    return name in DAPHNE or (
        name.startswith("--") and any(one.startswith(name) for one in DAPHNE)
    )


# Those of gunicorn's own workers that call what they serve as WSGI.
_WSGI = ("sync", "gthread", "eventlet", "gevent", "gevent_wsgi", "gevent_pywsgi")
_KNOWN = {*_WSGI, "tornado", "asgi"}


# Those that uvicorn brings, and the package that takes their place.
_OF_UVICORN = re.compile(r"(?:uvicorn\.workers|uvicorn_worker)\.Uvicorn(?:H11)?Worker")


def unknown_worker(one: Command) -> str:
    """The name of a worker that gunicorn has not; empty where there is none."""
    worker = one.worker
    if one.program == "gunicorn" and re.match(r"uvicorn(_worker)?\.", worker):
        return "" if _OF_UVICORN.fullmatch(worker) or not known(worker) else worker
    plain = one.program == "gunicorn" and re.fullmatch(r"\w+", worker)
    return worker if plain and known(worker) and worker not in _KNOWN else ""


def takes_wsgi_only(seen: Evidence, one: Command) -> bool:
    """Whether a command starts gunicorn with its usual workers, as far as is told."""
    if one.program == "gunicorn" and one.worker in _WSGI:
        return True
    return (
        one.program == "gunicorn"
        and one.value("-k", "--worker-class", "-c", "--config") is None
        and not mentioned(seen.project, rf"GUNICORN_CMD_ARGS\W+.*({_WORKER})")
    )
