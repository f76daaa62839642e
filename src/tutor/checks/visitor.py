"""Somebody at a project's doors, who logs in where the project wants that.

Steps 7 to 11 were asked of projects that let everybody in.  From step 12 on a project
sends whoever has not logged in from its page to its login.  What the earlier steps
prove has to hold there, too: for a user with all rights.
"""

from __future__ import annotations

import http.client
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from websockets.asyncio.client import connect

from tutor import children, forms
from tutor.checks import talk
from tutor.checks.talk import READINGS
from tutor.servers import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

SECONDS = 60  # for a database to be made, on a machine that is busy
ELSEWHERE = (301, 302, 303, 307, 308)  # what sends a browser to another page

# Which login form there is, and whether passwords are enough, is the project's own
# business: a session is made as Django's login() makes it.
SESSION = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib import auth
from django.core.management import call_command

call_command("migrate", verbosity=0)
model, store = auth.get_user_model(), import_module(settings.SESSION_ENGINE)
cookies = []
for name, password, rights in PEOPLE:
    named = {model.USERNAME_FIELD: name}
    user = model.objects.filter(**named).first()
    if user is None:
        user = model(is_staff=rights, is_superuser=rights, **named)
        user.set_password(password or None)
        user.save()
    session = store.SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    cookies.append({settings.SESSION_COOKIE_NAME: session.session_key})
print(json.dumps(cookies))
"""


class Person(NamedTuple):
    """A user to be made, where there is none of that name, and logged in."""

    name: str
    password: str = ""  # empty for one that nobody needs to type
    rights: bool = False  # on the staff, and allowed everything


@dataclass(frozen=True)
class Visitor:
    """Who talks to a server, with the cookies that a browser of theirs has.

    Args:
        server: who is asked.
        cookies: empty for whoever has not logged in.
    """

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)

    def socket(self, path: str = READINGS) -> connect:
        """A client from this server's own page."""
        return talk.opened(self.server.ws + path, self.server.url, self.cookies)

    def keys(self) -> forms.Keys:
        """What a form of the page at ``/`` needs."""
        return forms.keys(self.server, "/", self.cookies)

    def post(
        self, path: str, fields: dict[str, object], given: forms.Keys | None = None
    ) -> int | None:
        """The status that answers a form; None where nothing does.

        Args:
            path: where the form goes.
            fields: its fields and their values.
            given: what its page has given already.
        """
        with suppress(OSError, http.client.HTTPException):
            return forms.send(self.server, path, fields, given or self.keys()).status
        return None

    def browser(self, chromium: Browser) -> BrowserContext:
        """A window of a browser, with the cookies in it."""
        context = chromium.new_context()
        for name, value in self.cookies.items():
            url = self.server.url
            context.add_cookies([{"name": name, "value": value, "url": url}])
        return context


def at(server: Server, project: Path, python: Path | None = None) -> Visitor:
    """A visitor who may do everything; logged in where ``/`` leads to a login.

    Args:
        server: one that runs.
        project: a copy of the project, since this makes a user in its database.
        python: the project's interpreter.
    """
    with suppress(OSError, http.client.HTTPException):
        if forms.ask(server, "GET", "/").status in ELSEWHERE:
            for cookies in logged_in(project, python, Person("visitor", "", True)):
                return Visitor(server, cookies)
    return Visitor(server)


def logged_in(
    project: Path, python: Path | None, *people: Person
) -> list[dict[str, str]]:
    """A new session for each of some people: its cookie; none where that fails.

    Args:
        project: a copy of the project, since this makes users in its database.
        python: the project's interpreter.
        people: who they are; a name that comes twice has two sessions.
    """
    code = f"PEOPLE = {[tuple(one) for one in people]!r}\n{SESSION}"
    told = inside(project, code, python, SECONDS)
    return list(told) if isinstance(told, list) else []


def inside(project: Path, code: str, python: Path | None, seconds: float) -> Any:
    """Run code in the project's own process; the JSON that it prints last, or None.

    Args:
        project: the folder of ``manage.py``.
        code: Python; ``await`` works at its top level.
        python: the project's interpreter.
        seconds: what it may take.
    """
    return children.run_inside(code, project, seconds, python=python).printed
