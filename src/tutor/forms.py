"""A form, filled in and sent as a browser does it, with Django's token against CSRF.

First comes the page with the form: it brings a cookie, and the same secret once more,
masked, in a hidden field.  Both go back with the form, and so does the Origin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode

from tutor.client import in_words
from tutor.sites import Site, host, link

FIELD = "csrfmiddlewaretoken"
HIDDEN = re.compile(rf'name=["\']{FIELD}["\'] value=["\']([^"\']+)')


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    reason: str
    cookies: dict[str, str]
    body: str
    location: str = ""  # where it leads to instead


class Keys(NamedTuple):
    """What a page gives to those who opened it."""

    cookies: dict[str, str]
    token: str  # empty where the page has none


def ask(
    server: Site,
    method: str,
    path: str,
    fields: Mapping[str, object] | None = None,
    cookies: Mapping[str, str] | None = None,
) -> Reply:
    """One request, as a page of this server would make it.

    Raises:
        OSError, http.client.HTTPException: nothing answers, or no HTTP.
    """
    headers = {
        "Host": host(server),
        "Origin": server.url,
        "Referer": server.url + "/",
    }
    if cookies:
        headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in cookies.items())
    if fields is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    with closing(link(server)) as opened:
        opened.request(method, path, urlencode(fields) if fields else None, headers)
        answer = opened.getresponse()
        found: SimpleCookie = SimpleCookie()
        for text in answer.headers.get_all("Set-Cookie", []):
            found.load(text)
        jar = {name: morsel.value for name, morsel in found.items()}
        body = answer.read().decode("utf-8", "replace")
        location = answer.getheader("Location", "")
        return Reply(answer.status, answer.reason, jar, body, location)


def keys(server: Site, page: str, cookies: Mapping[str, str] | None = None) -> Keys:
    """Open the page with the form; the cookies by now, and its token.

    Args:
        server: who is asked.
        page: its path.
        cookies: what the browser has already.
    """
    reply = ask(server, "GET", page, cookies=cookies)
    hidden = HIDDEN.search(reply.body)
    return Keys({**(cookies or {}), **reply.cookies}, hidden[1] if hidden else "")


def send(server: Site, path: str, fields: Mapping[str, object], given: Keys) -> Reply:
    """Send a form with the cookies and the token of its page."""
    token = {FIELD: given.token} if given.token else {}
    return ask(server, "POST", path, {**fields, **token}, given.cookies)


def post(
    server: Site,
    path: str,
    fields: Mapping[str, object],
    page: str | None,
    cookies: Mapping[str, str] | None = None,
    name: str = "",
) -> None:
    """Send a form, and print what passes.

    Args:
        server: who is asked.
        path: where the form goes.
        fields: its fields and their values.
        page: the page with the form; None if it was never opened, as a stranger's
            page would do it.
        cookies: what the browser has already.
        name: whose browser it is, printed before each line.
    """
    given = Keys(dict(cookies or {}), "")
    before = f"{name} " if name else ""
    with in_words(f"POST {path}"):
        if page is not None:
            given = keys(server, page, cookies)
            print(f"{before}→ GET {server.called(page)}   for the form's token")
        more = "" if given.token else "   without a token"
        shown = ", ".join(f"{name}={value}" for name, value in fields.items())
        print(f"{before}→ POST {server.called(path)}   {shown}{more}")
        reply = send(server, path, fields, given)
    print(f"{before}← {reply.status} {reply.reason}")
