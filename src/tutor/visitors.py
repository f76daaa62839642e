"""Somebody who has logged in: the cookies that a browser of theirs would keep.

They log in through the project's own form, as a person does.  A session lives in the
project's database, so it outlasts the server that began it.
"""

from __future__ import annotations

from collections.abc import Mapping

from tutor import children, forms
from tutor.client import in_words
from tutor.report import Refusal
from tutor.sites import Site

LOGIN = "/accounts/login/"
LOGOUT = "/accounts/logout/"
PASSWORD = "tutorial"
# As Django's default hasher writes it.  Half a second of processor for each account
# is what makes a guess dear; here everybody knows the word.  Should the hasher change,
# a login still fits, and Django writes the hash anew.
HASHED = (
    "pbkdf2_sha256$1000000$s0HFA0bQs3jBdvV24ZuFEj"
    "$fJ0y9T7+EE8i3f9VyUJGb3XFGVtOtjVU4CxSE+MlaCI="
)

# Safe to repeat: a workspace may have had these users before.
PEOPLE = f"""
from django.contrib.auth.models import User

for name, staff in (("ada", True), ("bob", False)):
    user, _ = User.objects.get_or_create(username=name)
    user.is_staff, user.is_active = staff, True
    user.password = {HASHED!r}
    user.save()
"""


class Jars:
    """The cookies of each browser that a cell has spoken of."""

    def __init__(self) -> None:
        self._jars: dict[str, dict[str, str]] = {}

    def cookies(self, server: Site, user: str, device: str = "") -> dict[str, str]:
        """What this browser sends; without a word, it logs in where it had not.

        Args:
            server: who is asked.
            user: the name of the account; nobody, if it is empty.
            device: which of their browsers, where they have several.

        Raises:
            Refusal: the project did not let them in.
        """
        if not user:
            return {}
        who = f"{user} {device}"
        if who not in self._jars:
            reply, jar = _login(server, user, PASSWORD)
            if reply.status != 302:
                raise Refusal(
                    f"{user} can't log in: {reply.status} {reply.reason}.\n"
                    "Run the cell that makes the users first."
                )
            self._jars[who] = jar
        return self._jars[who]

    def login(self, server: Site, user: str, device: str, password: str) -> None:
        """Fill in the form and send it; print what passes."""
        before = f"{device or user} "
        with in_words(f"POST {LOGIN}"):
            reply, jar = _login(server, user, password)
        print(f"{before}→ POST {LOGIN}   username={user}, password={password}")
        print(f"{before}← {reply.status} {reply.reason}{_kept(reply)}")
        if reply.status == 302:
            self._jars[f"{user} {device}"] = jar

    def logout(self, server: Site, user: str, device: str) -> None:
        """Send the form of the page's button; print what passes."""
        before = f"{device or user} "
        jar = self.cookies(server, user, device)
        with in_words(f"POST {LOGOUT}"):
            given = forms.keys(server, "/", jar)
            reply = forms.send(server, LOGOUT, {}, given)
        print(f"{before}→ POST {LOGOUT}")
        print(f"{before}← {reply.status} {reply.reason}")
        del self._jars[f"{user} {device}"]


def _login(
    server: Site, user: str, password: str
) -> tuple[forms.Reply, dict[str, str]]:
    given = forms.keys(server, LOGIN)
    fields = {"username": user, "password": password}
    reply = forms.send(server, LOGIN, fields, given)
    return reply, {**given.cookies, **reply.cookies}


def _kept(reply: forms.Reply) -> str:
    names = ", ".join(sorted(reply.cookies))
    return f"   with the cookies {names}" if names else ""


def people(run: Mapping[str, children.Result]) -> None:
    """Say that the users are there.

    Args:
        run: what came of the commands that make them.

    Raises:
        Refusal: one of the commands failed.
    """
    for what, done in run.items():
        if done.code:
            raise Refusal(f"{what} failed:\n\n{done.out}")
    print("The database has ada (staff) and bob.")
