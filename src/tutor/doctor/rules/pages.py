"""The pages' scripts against the routes: where their sockets knock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, Place

HOST, ANY = "\x01", "\x00"
_NEW = re.compile(r"new\s+WebSocket\s*\(")
_BOUND = re.compile(r"\b(?:const|let|var)\s+(\w+)\s*=\s*([^;\n]+)")
_TOKEN = re.compile(
    r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`|([\w.$]+(?:\(\))?)|(\S)"""
)
_HOSTS = {
    "location.host",
    "window.location.host",
    "document.location.host",
    "self.location.host",
}
_WORDS = ("lobby", "1", "room1", "00000000-0000-0000-0000-000000000007")
TRIED = "reading the page's script"


@dataclass(frozen=True)
class Socket:
    """One ``new WebSocket(…)``: its URL as far as it is known, and where it stands."""

    url: str
    options: str
    file: str
    line: int
    is_static: bool


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.leaves and not seen.walk.get("protocols"):
        return
    for socket in sockets(seen):
        yield from list(_wrong(seen, socket))[:1]


def sockets(seen: Evidence) -> Iterator[Socket]:
    """Every socket that a template or a static script opens."""
    folders = [f for e in ("templates", "static") for f in
               (seen.look.get(e) or {}).get("folders", [])]  # fmt: skip
    done: set[Path] = set()
    for folder in folders:
        for path in sorted((seen.home / folder).rglob("*")):
            if (
                path in done
                or path.suffix not in (".html", ".js")
                or ".min." in path.name
            ):
                continue
            done.add(path)
            try:
                text = path.read_text("utf-8", "replace")
            except OSError:
                continue
            yield from _in_text(text, path.relative_to(seen.project).as_posix())


def _in_text(text: str, file: str) -> Iterator[Socket]:
    plain = re.sub(r"(?<![:\w'\"`])//[^\n]*|/\*.*?\*/|<!--.*?-->",
                   lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)  # fmt: skip
    bound = dict(_BOUND.findall(plain))
    for match in _NEW.finditer(plain):
        arguments = _arguments(plain, match.end())
        if arguments:
            url = value(arguments[0], bound, file.endswith(".js"))
            options = arguments[1].strip() if len(arguments) > 1 else ""
            line = text.count("\n", 0, match.start()) + 1
            yield Socket(url, options, file, line, file.endswith(".js"))


def _arguments(text: str, start: int) -> list[str]:
    """The arguments of a call, split at its outermost commas."""
    found, depth, quote, begin = [], 0, "", start
    for index in range(start, min(len(text), start + 2000)):
        char = text[index]
        if quote:
            quote = "" if char == quote and text[index - 1] != "\\" else quote
        elif char in "'\"`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}" and depth:
            depth -= 1
        elif char == ")" or (char == "," and not depth):
            found.append(text[begin:index])
            begin = index + 1
            if char == ")":
                return found
    return []


def value(
    expression: str, bound: dict[str, str], is_static: bool, depth: int = 0
) -> str:
    """A JavaScript expression as text: the host and the unknown as one character."""
    out = ""
    for single, double, template, name, other in _TOKEN.findall(expression):
        if name:
            if name in _HOSTS:
                out += HOST
            elif name in bound and depth < 5:
                out += value(bound[name], bound, is_static, depth + 1)
            elif name not in ("return", "new"):
                out += ANY
        elif template:
            out += re.sub(r"\$\{([^}]*)\}",
                          lambda m: value(m[1], bound, is_static, depth + 1), template)  # fmt: skip
        elif single or double:
            out += single or double
        elif other in "?":
            return _either(expression) + ANY if "wss" in expression else ANY
    return out if is_static else re.sub(
        r"\{\{(.*?)\}\}", lambda m: HOST if "get_host" in m[1] else ANY, out)  # fmt: skip


def _either(expression: str) -> str:
    """A scheme that is chosen by the page's own: the secure one stands for both."""
    return "wss://" if "://" in expression else "wss"


def _wrong(seen: Evidence, socket: Socket) -> Iterator[Found]:
    place: Place = (socket.file, socket.line)
    url = socket.url

    def found(slug: str, got: str, expected: str, rank: int = 67) -> Found:
        return Found(slug, got, place, rank, TRIED, expected)

    shown = url.replace(HOST, "<host>").replace(ANY, "…")
    if socket.is_static and ("{{" in url or "{%" in url):
        yield found(
            "client-django-tag-in-static-js", shown, "a script without template tags"
        )
    if re.search(r"location\.(host|hostname|port)|\$\{", url):
        yield found(
            "client-js-variable-inside-string", shown, "the host's name in the URL"
        )
    if socket.options.startswith("{"):
        yield found("client-headers-option", "The subprotocol '[object Object]' is invalid.",
                    "a URL, and a list of subprotocols at most")  # fmt: skip
    if "#" in url:
        yield found("client-fragment-in-url", shown, "a URL without #")
    if url.startswith(HOST):
        yield found(
            "client-url-without-scheme", shown, "ws:// or wss:// before the host"
        )
    path = _path(url)
    if (
        path is None
        or not seen.leaves
        or all(leaf["is"] == "empty" for leaf in seen.leaves)
    ):
        return
    if not _reached(seen, path):
        shown = path.replace(ANY, "…")
        known = ", ".join(
            leaf["sample"] for leaf in seen.leaves if leaf["is"] != "empty"
        )
        slug = "client-path-differs-from-route"
        if _reached(seen, path + "/"):
            slug = "client-no-trailing-slash"
        yield found(slug, f"No route found for path {shown.lstrip('/')!r}.",
                    f"one of the routes: {known}")  # fmt: skip
    host = re.match(r"wss?://([^/\x00\x01]+)", url)
    if host and re.match(r"(localhost|127\.0\.0\.1)(:|$)", host[1]):
        yield found(
            "auth-other-host-than-the-page", shown, "the host the page came from", 76
        )


def _path(url: str) -> str | None:
    """The path of a URL; None where it is not known."""
    match = re.match(r"(?:[\w\x00]*:?(?://)?)(?:[\w.:\x01-]|\x00(?!$))*?(/.*)$", url)
    if not match or "{{" in url:
        return None
    return re.split(r"[?#]", match[1])[0]


def _reached(seen: Evidence, path: str) -> bool:
    """Whether some route takes this path, whatever stands for the unknown."""
    words = _WORDS if ANY in path else ("",)
    return any(
        _takes(leaf, path.replace(ANY, word).lstrip("/"))
        for leaf in seen.leaves
        for word in words
    )


def _takes(leaf: Event, path: str) -> bool:
    if not leaf.get("steps"):
        return True
    for step in leaf["steps"]:
        regex = step.get("regex")
        if regex is None:
            return True
        matched = re.search(regex, path.lstrip("/"))
        if not matched:
            return False
        path = path.lstrip("/")[matched.end() :]
    return True
