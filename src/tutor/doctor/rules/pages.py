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
    folders = [
        f
        for e in ("templates", "static")
        for f in (seen.look.get(e) or {}).get("folders", [])
    ]
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
    plain = re.sub(
        r"(?<![:\w'\"`])//[^\n]*|/\*.*?\*/|<!--.*?-->",
        lambda m: re.sub(r"[^\n]", " ", m[0]),
        text,
        flags=re.S,
    )
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
    expression = expression.strip()
    if depth > 6:
        return ANY
    if "?" in _outer(expression):
        yes = expression[_outer(expression).index("?") + 1 :]
        branches = [value(b, bound, is_static, depth + 1) for b in _split(yes, ":")]
        return max(branches, key=lambda branch: branch.startswith("wss"))
    return "".join(
        _term(term.strip(), bound, is_static, depth) for term in _split(expression, "+")
    )


def _term(term: str, bound: dict[str, str], is_static: bool, depth: int) -> str:
    quote = term[:1]
    if quote == "(" and term.endswith(")") and _outer(term).strip() == "":
        return value(term[1:-1], bound, is_static, depth + 1)
    if quote in ("'", '"') and term.endswith(quote) and len(term) > 1:
        return _tags(term[1:-1], is_static)
    if quote == "`" and term.endswith("`"):
        filled = re.sub(
            r"\$\{([^}]*)\}",
            lambda match: value(match[1], bound, is_static, depth + 1),
            term[1:-1],
        )
        return _tags(filled, is_static)
    if term in _HOSTS:
        return HOST
    return value(bound[term], bound, is_static, depth + 1) if term in bound else ANY


def _tags(text: str, is_static: bool) -> str:
    """A template fills in its tags; a static script does not."""
    if is_static:
        return text
    return re.sub(
        r"\{\{(.*?)\}\}", lambda match: HOST if "get_host" in match[1] else ANY, text
    )


def _outer(text: str) -> str:
    """The text with all that stands in quotes and brackets blanked out."""
    out, depth, quote, before = "", 0, "", ""
    for char in text:
        inside = bool(quote) or depth > 0
        if quote:
            quote = "" if char == quote and before != "\\" else quote
        elif char in "'\"`":
            quote, inside = char, True
        elif char in "([{":
            depth, inside = depth + 1, True
        elif char in ")]}":
            depth -= 1
        out += " " if inside or char in ")]}" else char
        before = char
    return out


def _split(text: str, sign: str) -> list[str]:
    """The text cut at a sign that stands in no quotes and no brackets."""
    parts, begin = [], 0
    for index, char in enumerate(_outer(text)):
        if char == sign:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]


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
        yield found(
            "client-headers-option",
            "The subprotocol '[object Object]' is invalid.",
            "a URL, and a list of subprotocols at most",
        )
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
        yield found(
            slug,
            f"No route found for path {shown.lstrip('/')!r}.",
            f"one of the routes: {known}",
        )
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
