"""A secret that is good for long in a socket's URL: sent by a page, or asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.scripts import Script, texts
from tutor.doctor.rules.browser.socketurls import Socket, sockets
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.walking import walk

RANK = 72
# Words for what is good for a long time; a ticket is used once.
SECRETS = re.compile(
    r"((access|auth|api|id|bearer)_?)?(token|jwt)|api_?key|password|session_?(id|key)|"
    r"authorization",
    re.I,
)
LASTING = (
    "rest_framework.authtoken.",
    "rest_framework_simplejwt.",
    "knox.",
    "oauth2_provider.",
)
# ?token=${token}, "?token=" + token, url.searchParams.set("token", token)
_IN_URL = re.compile(
    r"[?&](?P<key>\w+)=(?:\$\{(?P<given>[^}]*)\}|['\"`]\s*\+\s*(?P<value>[^;,\n]+))|"
    r"(?P<base>[\w$.]+)\.searchParams\.(?:set|append)\(\s*['\"](?P<named>\w+)['\"]\s*,"
    r"\s*(?P<more>[^;\n]+)\)"
)
_WRAPPED = re.compile(r"^encodeURIComponent\((.*?)\)$")
_KEPT = re.compile(r"\b(localStorage|sessionStorage|document\.cookie)\b")
PARSERS = ("urllib.parse.parse_qs", "urllib.parse.parse_qsl", "django.http.QueryDict")


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from _token(function)
    yield from _sent(seen)


def _sent(seen: Evidence) -> Iterator[Found]:
    """A page that writes a secret, which it keeps for long, into a socket's URL."""
    opened = list(sockets(seen))
    for script in texts(seen) if opened else ():
        for match in _IN_URL.finditer(script.text):
            key = match["key"] or match["named"]
            given = match["given"] or match["value"] or match["more"]
            kept = _WRAPPED.sub(r"\1", given.strip())
            kept = script.bound.get(kept, kept)
            spot = script.spot(match.start())
            mine = [
                one
                for one in opened
                if _opens(script, match["base"], one)
                or f"{key}=" in one.url.partition("?")[2]
            ]
            if mine and SECRETS.fullmatch(key) and _KEPT.search(kept):
                yield Found(
                    "auth-token-in-the-url",
                    f"{key!r} is written into the URL of a socket",
                    spot,
                    RANK,
                    TRIED,
                    "the cookie of the session, or a ticket that is good once",
                )
                return


def _opens(script: Script, base: str | None, socket: Socket) -> bool:
    """Whether a socket of a script is opened with a URL object of this name."""
    return (
        base is not None
        and socket.place[0] == script.file
        and bool(re.search(rf"new\s+WebSocket\s*\(\s*{re.escape(base)}\b", script.text))
    )


def _token(function: Function) -> Iterator[Found]:
    """A secret that is good for long, looked for in the query string of a socket."""
    if not any(
        isinstance(node, ast.Constant) and node.value == "query_string"
        for node in walk(function.node)
    ):
        return
    if not any(_parses(call, function) for call in calls.calls(function.node)):
        return
    lasting = any(name.startswith(LASTING) for name in function.module.names.values())
    lasting = lasting or any(map(_names_the_session, walk(function.node)))
    lasting = lasting or _signed_for_good(function)
    fixed = [node for node in walk(function.node) if _compares(node, function)]
    for node in walk(function.node) if lasting else fixed:
        key = next(filter(None, map(_key, walk(node))), "")
        if SECRETS.fullmatch(key):
            yield Found(
                "auth-token-in-the-url",
                f"{key!r} is read from the query string",
                at(function, node),
                RANK,
                TRIED,
                "the cookie of the session, or a ticket that is good once",
            )
            return


def _signed_for_good(function: Function) -> bool:
    """Whether a signature is checked, here or in what is called, whatever its age."""
    called = [calls.target_of(call, function) for call in calls.calls(function.node)]
    return any(
        calls.name_of(call, one).startswith("django.core.signing.")
        and calls.name_of(call, one).endswith((".loads", ".unsign", ".unsign_object"))
        and not any(word.arg == "max_age" for word in call.keywords)
        for one in (function, *filter(None, called))
        for call in calls.calls(one.node)
    )


def _names_the_session(node: ast.AST) -> bool:
    """Whether a function makes the cookie of a session, whose key is as good."""
    name = getattr(node, "value", "") if isinstance(node, ast.Constant) else ""
    return name == "sessionid" or getattr(node, "attr", "") == "SESSION_COOKIE_NAME"


def _key(node: ast.AST) -> str:
    """The name of what is looked up: ``given["name"]``, ``given.get("name")``."""
    key: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        key = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        key = node.args[0] if node.func.attr == "get" and node.args else None
    told = key.value if isinstance(key, ast.Constant) else None
    return told if isinstance(told, str) else ""


def _compares(node: ast.AST, function: Function) -> bool:
    """Whether something has to be one text, of the source or of the settings."""
    if not isinstance(node, ast.Compare):
        return False
    if not all(isinstance(sign, (ast.Eq, ast.NotEq)) for sign in node.ops):
        return False
    for side in (node.left, *node.comparators):
        parts = side.elts if isinstance(side, (ast.List, ast.Tuple)) else [side]
        named = [function.module.resolve(part, function) or "" for part in parts]
        if parts and all(
            (isinstance(part, ast.Constant) and part.value not in ("", None))
            or name.startswith("django.conf.settings.")
            for part, name in zip(parts, named, strict=True)
        ):
            return True
    return False


def _parses(call: ast.Call, function: Function) -> bool:
    return calls.name_of(call, function).removesuffix("()") in PARSERS
