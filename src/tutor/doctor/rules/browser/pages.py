"""The pages' scripts against the routes: where their sockets knock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import schemes
from tutor.doctor.rules.browser.expressions import ANY, GIVEN, HERE, HOST, OWN
from tutor.doctor.rules.browser.socketurls import Socket, sockets
from tutor.doctor.rules.deployment import https
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.rules.routing.places import route_place
from tutor.doctor.rules.routing.reached import takes

WORDS = ("lobby", "1", "room1", "00000000-0000-0000-0000-000000000007")
MORE = r"\w@.%~ \-"  # signs of a name that a URL may hold
NARROW = "routing-room-name-not-matched-by-w"
TRIED = "reading the page's script"


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.leaves and not seen.walk.get("protocols"):
        return
    yield from schemes.rules(seen)
    every = sockets(seen)
    for socket in every:
        same = [one for one in every if one.place == socket.place]
        yield from list(_wrong(seen, socket, same))[:1]


def _wrong(seen: Evidence, socket: Socket, same: list[Socket]) -> Iterator[Found]:
    at = _no_base(seen, socket)
    if at is not None:
        got, slug = "TypeError: Invalid URL", "client-url-without-scheme"
        expected = "document.baseURI, or location.href, as the second argument"
        yield Found(slug, got, at, 67, TRIED, expected)
        return
    own = {slug for slug, _ in _spelt(socket, socket.own)}
    for slug, expected in _spelt(socket, socket.url):
        place = socket.place if slug in own else socket.given
        got = _shown(socket.url)
        if slug == "client-headers-option":
            got = "The subprotocol '[object Object]' is invalid."
        yield Found(slug, got, place, 67, TRIED, expected)
    path = path_of(socket.url)
    known = [leaf["sample"] for leaf in seen.leaves if leaf["is"] != "empty"]
    if path and known and not _reached(seen, path):
        narrow = next((leaf for leaf in seen.leaves if _is_narrow(leaf, path)), None)
        if narrow is not None:
            got = f"No route found for path {_shown(path).lstrip('/')!r}."
            expected = "[^/]+ in place of \\w+"
            yield Found(NARROW, got, route_place(seen, narrow), 67, TRIED, expected)
            return
        slug = "client-path-differs-from-route"
        if _reached(seen, path + "/"):
            slug = "client-no-trailing-slash"
        got = f"No route found for path {_shown(path).lstrip('/')!r}."
        expected = f"one of the routes: {', '.join(known)}"
        paths = [path_of(one.url) for one in same]
        lost = len(same) > 1 and not any(one and _reached(seen, one) for one in paths)
        yield Found(slug, got, _path_at(socket, lost), 67, TRIED, expected)
    if _plain(seen, socket) and https.speaks_tls(seen):
        slug, expected = "client-ws-hardcoded-on-https-page", "wss:// over https"
        yield Found(slug, _shown(socket.url), socket.place, 75, TRIED, expected)
    if _only_encrypted(seen, socket):
        slug, got = "client-wss-hardcoded-on-http-page", "a knock without an answer"
        yield Found(slug, got, socket.place, 75, TRIED, "ws:// on a plain page")
    host = re.match(r"(?:wss?:|\x00)//([^/\x00\x01]+)", socket.url)
    port = re.match(rf"wss?://[{HOST}{ANY}]:(\d+)/", socket.url)
    fixed = port is not None and _is_nobodys(seen, socket, port[1])
    if fixed or (host and re.match(r"(localhost|127\.0\.0\.1)(:|$)", host[1])):
        slug, expected = "auth-other-host-than-the-page", "the host the page came from"
        yield Found(slug, _shown(socket.url), socket.place, 76, TRIED, expected)


def _no_base(seen: Evidence, socket: Socket) -> Place | None:
    """Where a path alone is made a URL, ``new URL(path)``, if a socket is opened so."""
    if "//" in socket.url or not re.match(r"[./]*\w[\w-]*/|/\w", socket.url):
        return None
    try:
        text = (seen.project / socket.place[0]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    made = [*re.finditer(r"\bnew\s+URL\s*\(\s*([\w$.]+|(['\"])[^'\"]*\2)\s*\)", text)]
    own = [one for one in made if "location" not in one[1] and "URL" not in one[1]]
    if len(own) != 1 or len(made) != len(re.findall(r"\bnew\s+URL\b", text)):
        return None
    return socket.place[0], text.count("\n", 0, own[0].start()) + 1


def _is_nobodys(seen: Evidence, socket: Socket, port: str) -> bool:
    """Whether a port behind the page's own host is named by nothing but the page."""
    files = [*seen.project.glob("*"), *seen.project.glob("*/*")]
    told = [one for one in files if one.suffix not in (".html", ".js", ".sqlite3")]
    known = any(
        port in one.read_text("utf-8", "ignore") for one in told if one.is_file()
    )
    text = (seen.project / socket.place[0]).read_text("utf-8", "ignore")
    return port != "8000" and not known and "location.hostname" in text


def _path_at(socket: Socket, all_lost: bool) -> Place:
    """Where a path is written: not where a caller only gives a name in it.

    Args:
        socket: the socket.
        all_lost: whether no caller of the same place reaches anybody.
    """
    before, _, after = socket.own.partition(GIVEN)
    given = socket.url[len(before) : len(socket.url) - len(after)]
    written = re.sub(r"^[\w\x00]*:?//[^/]*", "", before)
    if socket.own == socket.url and socket.marked:
        return socket.marked
    if all_lost and re.search(r"\w", written):
        return socket.place
    if GIVEN in after or "/" in given or not re.search(r"\w", written):
        return socket.marked or socket.given
    return socket.place


def _plain(seen: Evidence, socket: Socket) -> bool:
    """Whether the script of a socket knows ws:// only, for the page's own host."""
    if not socket.url.startswith("ws://" + HOST):
        return False
    try:
        text = (seen.project / socket.place[0]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    written = r"[\"'`]ws://|\.protocol\s*=\s*[\"'`]ws:?[\"'`]"
    return bool(re.search(written, text)) and "wss" not in text


def _only_encrypted(seen: Evidence, socket: Socket) -> bool:
    """Whether a script knows wss:// only, and all that is known of runs here, plain."""
    hosts = {str(one) for one in seen.settings.get("hosts") or []}
    here = hosts <= {"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "::1"}
    if not here or not seen.settings.get("debug") or https.speaks_tls(seen):
        return False
    try:
        text = (seen.project / socket.place[0]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    written = r"[\"'`]wss://[\"'`]?\s*(?:\+|\$\{)|[\"'`]wss:?[\"'`]|[\"'`]wss://(?:localhost|127)"
    plain = r"[\"'`]ws(?::|[\"'`])|(?<!ws)s[\"'`]\s*:\s*[\"'`][\"'`]"
    return bool(re.search(written, text)) and not re.search(plain, text)


def _spelt(socket: Socket, url: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a URL as it is written, and what was expected."""
    if socket.is_static and ("{{" in url or "{%" in url):
        yield "client-django-tag-in-static-js", "a script without template tags"
    if re.search(r"location\.(host|hostname|port)|\$\{", url):
        yield "client-js-variable-inside-string", "the host's name in the URL"
    if socket.options.startswith("{"):
        yield "client-headers-option", "a URL, and a list of subprotocols at most"
    if "#" in url:
        yield "client-fragment-in-url", "a URL without #"
    if re.match(rf"(?:wss?|https?)?{HOST}", url):
        yield "client-url-without-scheme", "ws:// or wss:// before the host"


def _shown(url: str) -> str:
    return re.sub(f"[{ANY}{GIVEN}{OWN}]", "…", url.replace(HOST, "<host>")).replace(
        HERE, ""
    )


def path_of(url: str) -> str | None:
    """The path of a URL; None where it is not known."""
    behind = re.sub(r"^[\w\x00]*:?//", "", url)  # the scheme
    host, slash, rest = behind.partition("/")
    if OWN in url or re.search(r"\{[{%]", url):
        return None  # the page's path, or what Django makes of a tag
    if not slash or HOST + ANY in host:
        return None  # what follows the host may hold a part of the path
    path = re.split(r"[?#]", slash + rest)[0]
    return path if path.strip(f"/{HERE}{ANY}") or ANY not in path else None


def _reached(seen: Evidence, path: str) -> bool:
    """Whether some route takes this path, whatever stands for the unknown."""
    words = WORDS if ANY in path else ("",)
    # A page below the root asks for more than this; what ends like it will do.
    below = path.rpartition(HERE)[2] if HERE in path else None
    return any(
        takes(leaf, path.replace(HERE, "").replace(ANY, word).lstrip("/"))
        or (below and leaf.get("sample", "").endswith("/" + below))
        for leaf in seen.leaves
        for word in words
    ) or any(fits(leaf, path) for leaf in seen.leaves)


def fits(leaf: Event, path: str) -> bool:
    """Whether a path with something unknown may be one that a route takes.

    A pattern may be as narrow as four capitals, which none of our words has.
    """
    if ANY not in path:
        return False
    sample = str(leaf.get("sample", "")).replace("^", "").replace("$", "").lstrip("/")
    parts = path.replace(HERE, "").lstrip("/").split(ANY)
    wanted = "[^/]+".join(map(re.escape, parts))
    return bool(re.fullmatch(wanted, sample)) and takes(leaf, sample)


def _is_narrow(leaf: Event, path: str) -> bool:
    """Whether a route would take a path if only ``\\w`` were anything but a slash."""
    steps = leaf.get("steps") or []
    wide = [{**step, "regex": widened(step.get("regex"))} for step in steps]
    path = path.replace(HERE, "").lstrip("/")
    return wide != steps and ANY not in path and takes({**leaf, "steps": wide}, path)


def widened(regex: str | None) -> str | None:
    """A pattern whose ``\\w`` takes what else names have: hyphens, dots, blanks."""

    def widen(found: re.Match[str]) -> str:
        if found[0] == r"\w":
            return f"[{MORE}]"
        if found[0].startswith("[^"):
            return found[0]
        if all(part in found[0] for part in ("a-z", "A-Z", "0-9")):  # in other words
            return f"{found[0][:-1]}{MORE}]"
        return found[0].replace(r"\w", MORE)

    return regex and re.sub(r"\[(?:\\.|[^\]\\])*\]|\\w", widen, regex)


def filled_in(seen: Evidence, url: str) -> Event | None:
    """The one route at which a URL ends, whatever its page fills into it."""
    parts = (path_of(url) or "").replace(HERE, "").strip("/").split("/")
    fits = [
        leaf
        for leaf in seen.leaves
        for wanted in [leaf["sample"].strip("/").split("/")]
        if len(wanted) == len(parts)
        and parts[0] == wanted[0]
        and all(ANY in a or a == b for a, b in zip(parts, wanted, strict=True))
    ]
    return fits[0] if len(fits) == 1 else None


def leads_to(seen: Evidence, url: str) -> Event | None:
    """The route that the URL of a page's socket ends at; None where none is known."""
    path = (path_of(url) or "").replace(HERE, "").lstrip("/")
    if not path or ANY in path:
        return None
    return next((leaf for leaf in seen.leaves if takes(leaf, path)), None)
