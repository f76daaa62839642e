"""The step of deployment: a project that is told it is no development machine.

It is given the environment of one, a Daphne, and, where there is an nginx, that
before it.  The words for nginx are the project's own where it has some.
"""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from tutor import children, forms, nginx, trees
from tutor.checks import talk, visitor
from tutor.checks.fronted import FORGED, LOGIN, NAME, through
from tutor.checks.question import Ask, Question
from tutor.checks.talk import PRACTICE
from tutor.checks.visitor import Person
from tutor.places import temporary
from tutor.report import Refusal
from tutor.servers import HOST, Server

KEY = {"DJANGO_SECRET_KEY": "of-this-check-only-" + "0123456789abcdef" * 3}
HOSTS = {"ALLOWED_HOSTS": NAME}
NO_DEBUG = {"DJANGO_DEBUG": "no"}
PRODUCTION = NO_DEBUG | KEY | HOSTS
SECONDS = 60
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
PERSON = Person("ada", "check-deploy", True)

_COLLECT = """
import json
from pathlib import Path
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

call_command("collectstatic", interactive=False, verbosity=0)
found = [path for finder in get_finders() for path, _ in finder.list([])]
root = Path(settings.STATIC_ROOT)
print("\\n" + json.dumps([len(found), [p for p in found if not (root / p).exists()]]))
"""


@dataclass
class Look:
    """What a project says and does outside development.

    Args:
        develops: how it starts without an environment; empty where it does.
        refusals: whether it refuses to start, by what is missing.
        silent: what ``check --deploy`` says; empty where it says nothing.
        collected: what ``collectstatic`` left out, or said; empty where nothing.
        plain: where it leads a page asked for without TLS.
        secure: the names of the cookies of a login, and whether each is secure.
        hsts: the header that keeps browsers at TLS.
        doors: the status of a handshake, by the Origin.
        missing: why there is no nginx to look with; empty where there is one.
        front: what came through nginx, by what was asked for.
        forged: whether the server took the address that a client made up.
    """

    develops: str = "it was not tried"
    refusals: dict[str, bool] = field(default_factory=dict)
    silent: str = "it was not tried"
    collected: str = "it was not tried"
    plain: str = ""
    secure: dict[str, bool] = field(default_factory=dict)
    hsts: str = ""
    doors: dict[str, int | None] = field(default_factory=dict)
    missing: str = ""
    front: dict[str, object] = field(default_factory=dict)
    forged: bool | None = None


def look(project: Path, python: Path | None = None) -> Look:
    """Start a copy of the project with several environments, and come as a client.

    Args:
        project: the folder of ``manage.py``.
        python: the project's interpreter.
    """
    seen = Look(missing="" if nginx.find() else f"{nginx.NONE}; {nginx.HOW}")
    own = str(python or "python")
    place = temporary()
    try:
        trees.copy(project, place.folder)
        check = [own, "manage.py", "check"]

        def run(extra: dict[str, str], *more: str) -> children.Result:
            return children.run([*check, *more], place.folder, SECONDS, extra)

        with ThreadPoolExecutor(2) as pool:
            plain, bare, alone = pool.map(run, ({}, NO_DEBUG | HOSTS, NO_DEBUG | KEY))
        seen.develops = _last(plain)
        seen.refusals["DJANGO_SECRET_KEY"] = bare.code != 0
        seen.refusals["ALLOWED_HOSTS"] = alone.code != 0
        if seen.develops or not all(seen.refusals.values()):
            return seen
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(run, PRODUCTION, "--deploy", "--fail-level", "WARNING")
            told = visitor.inside(place.folder, _COLLECT, python, SECONDS)
            seen.silent = _last(asked.result())
        count, left = told if isinstance(told, list) else (0, [])
        seen.collected = "" if count else "it failed"
        if left:
            seen.collected = f"{left[0]} is not there"
        if seen.silent or seen.collected:
            return seen
        argv = ["daphne", "--proxy-headers", "webapp.asgi:application"]
        if python:
            argv = [own, "-m", "daphne", "-p", "PORT", *argv[1:]]
        with suppress(Refusal), ExitStack() as stack:
            visitor.logged_in(place.folder, python, PERSON)
            server = Server(argv, place.folder, PRODUCTION)
            stack.callback(server.stop)
            if server.ready():
                with suppress(OSError, http.client.HTTPException):
                    _direct(server, seen)
                if not seen.missing:
                    before = [*seen.doors.values()].count(101)
                    came = through(place.folder, server, before)
                    seen.front, seen.forged = came
        return seen
    finally:
        place.remove()


def _last(done: children.Result) -> str:
    """What a command says that failed: its last words; empty where it did not."""
    lines = [line for line in done.out.strip().splitlines() if line.strip()]
    warned = [line for line in lines if line.startswith("?: (")]
    return "" if done.code == 0 else (warned or lines[-1:] or ["it failed"])[0][:160]


def _asked(
    server: Server, method: str, path: str, more: dict[str, str], body: str = ""
) -> tuple[http.client.HTTPResponse, str]:
    """A request as nginx makes it."""
    link = http.client.HTTPConnection(HOST, server.port, timeout=10)
    link.request(method, path, body or None, {"Host": NAME} | more)
    answer = link.getresponse()
    text = answer.read().decode("utf-8", "replace")
    link.close()
    return answer, text


def _cookies(answer: http.client.HTTPResponse) -> SimpleCookie:
    jar: SimpleCookie = SimpleCookie()
    for text in answer.headers.get_all("Set-Cookie", []):
        jar.load(text)
    return jar


def _direct(server: Server, seen: Look) -> None:
    """Ask the server itself, as the proxy would."""
    answer, _ = _asked(server, "GET", "/", {})
    seen.plain = f"{answer.status} {answer.getheader('Location', '')}".strip()
    answer, text = _asked(server, "GET", LOGIN, FORWARDED)
    seen.hsts = answer.getheader("Strict-Transport-Security", "")
    jar = _cookies(answer)
    token = forms.HIDDEN.search(text)
    fields = {
        "username": PERSON.name,
        "password": PERSON.password,
        forms.FIELD: token[1] if token else "",
    }
    sent = FORWARDED | {
        "Cookie": "; ".join(f"{k}={m.value}" for k, m in jar.items()),
        "Origin": f"https://{NAME}",
        "Referer": f"https://{NAME}{LOGIN}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer, _ = _asked(server, "POST", LOGIN, sent, urlencode(fields))
    for name, morsel in (jar | _cookies(answer)).items():
        seen.secure[name] = bool(morsel["secure"])
    for origin in (f"https://{NAME}", f"http://{NAME}", "https://evil.example"):
        seen.doors[origin] = talk.run(talk.knock(server.ws + PRACTICE, origin))


def _refuses(name: str) -> Ask:
    def ask(seen: Look) -> str | None:
        return None if seen.refusals.get(name) else "it starts"

    return ask


def _answered(seen: Look) -> str | None:
    return None if seen.doors else "the server did not start, or did not answer"


def _redirects(seen: Look) -> str | None:
    status, _, place = seen.plain.partition(" ")
    right = status in ("301", "302", "307", "308") and place == f"https://{NAME}/"
    return None if right else _answered(seen) or seen.plain


def _secure(seen: Look) -> str | None:
    if gone := _answered(seen):
        return gone
    if len(seen.secure) < 2:
        return f"cookies: {', '.join(seen.secure) or 'none'}"
    bare = [name for name, secure in seen.secure.items() if not secure]
    return f"{bare[0]} goes over http as well" if bare else None


def _stays(seen: Look) -> str | None:
    right = "max-age=" in seen.hsts and "max-age=0" not in seen.hsts
    return None if right else _answered(seen) or seen.hsts or "no such header"


def _doors(seen: Look) -> str | None:
    wanted = [101, 403, 403]
    if list(seen.doors.values()) == wanted:
        return None
    for (origin, status), right in zip(seen.doors.items(), wanted, strict=False):
        if status != right:
            return f"{status or 'no answer'} for {origin}"
    return _answered(seen)


def _no_nginx(seen: Look) -> str:
    return seen.missing


def _came(**wanted: object) -> Ask:
    def ask(seen: Look) -> str | None:
        if "nginx" in seen.front:
            return str(seen.front["nginx"])
        for what, right in wanted.items():
            came = seen.front.get(what)
            if came != right:
                return f"{came or 'no answer'} for the {what}"
        return None

    return ask


def _no_forgery(seen: Look) -> str | None:
    if seen.forged is None:
        return "nothing came through nginx"
    return f"the log has {FORGED}" if seen.forged else None


BEHIND = f"{nginx.FILE}, nginx with TLS and a Daphne with --proxy-headers behind it"
QUESTIONS = (
    Question(
        "without an environment it is ready for development",
        "manage.py check",
        lambda seen: seen.develops or None,
    ),
    Question(
        "outside development it does not start without a key",
        "DJANGO_DEBUG=no manage.py check, and no DJANGO_SECRET_KEY",
        _refuses("DJANGO_SECRET_KEY"),
    ),
    Question(
        "nor without hosts",
        "DJANGO_DEBUG=no manage.py check, and no ALLOWED_HOSTS",
        _refuses("ALLOWED_HOSTS"),
    ),
    Question(
        "check --deploy has nothing to say",
        "manage.py check --deploy, with the three variables",
        lambda seen: seen.silent or None,
    ),
    Question(
        "collectstatic collects every file",
        "manage.py collectstatic",
        lambda seen: seen.collected or None,
    ),
    Question("http leads to https", f"GET http://{NAME}/", _redirects),
    Question("cookies come over https only", "a login behind a proxy", _secure),
    Question("browsers are told to stay with it", f"GET https://{NAME}/", _stays),
    Question(
        "a page over https opens sockets, one over http none",
        f"knocks on {PRACTICE}",
        _doors,
    ),
    Question(
        "pages, files and sockets come through nginx with TLS",
        BEHIND,
        _came(http=301, page=200, script=200, socket="0"),
        needs=_no_nginx,
    ),
    Question(
        "no client can forge its address",
        f"the same, with X-Forwarded-For: {FORGED}",
        _no_forgery,
        needs=_no_nginx,
    ),
)
