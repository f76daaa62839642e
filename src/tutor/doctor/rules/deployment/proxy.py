"""What a project says to nginx, against what its sockets and pages need."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tutor.doctor import services
from tutor.doctor.commands import SERVERS, commands
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, Site, location, sites
from tutor.doctor.rules.deployment.https import set_in_settings, wants_proto
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.rules.routing.reached import takes
from tutor.doctor.source.walking import walk

RANK = 60
PING = 20  # seconds between two pings of Daphne, unless told otherwise
TRIED = "reading the words for nginx"
SERVES = (
    "whitenoise.",
    "django.views.static.serve",
    "django.contrib.staticfiles.views.",
    "django.contrib.staticfiles.handlers.",
)
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]|unix)(:|$)")
_HEADERS = ("upgrade", "connection")
TLS = ("ssl:", "--ssl", "--cert", "--keyfile")  # of daphne, uvicorn, gunicorn
_NGINX = re.compile(r"(?:[\w./-]+/)?nginx(?:[:@-]|$)")


def rules(seen: Evidence) -> Iterator[Found]:
    paths = [leaf["sample"] for leaf in seen.leaves if leaf["is"] == "consumer"]
    for site in sites(seen.project):
        for server in site.servers():
            for path in paths:
                yield from _socket(seen, site, server, path)
            yield from _page(seen, site, server)
            yield from _no_files(seen, site, server)
            yield from _files(seen, site, server)
    yield from _header(seen)


def _header(seen: Evidence) -> Iterator[Found]:
    """A header by the name that the proxy gives it, and Django does not."""
    for module in seen.source.modules.values():
        for value in module.values.get("SECURE_PROXY_SSL_HEADER", []):
            parts = getattr(value, "elts", [value])
            told = [getattr(one, "value", None) for one in parts]
            name = told[0] if told else None
            proto = isinstance(value, ast.Constant) or name == "HTTP_X_FORWARDED_PROTO"
            got = f"{name!r} is in no request; every page leads to https again"
            right = "HTTP_ and the header in capitals, with underscores"
            if isinstance(name, str) and proto and told[1:] not in (["https"], [None]):
                got = "a proxy says https in it, and that is waited for nowhere"
                right = "('HTTP_X_FORWARDED_PROTO', 'https')"
            elif not isinstance(name, str) or re.fullmatch(r"HTTP_[A-Z0-9_]+", name):
                continue
            slug, place = "deploy-proxy-header-misnamed", (module.file, value.lineno)
            yield Found(slug, got, place, RANK, "reading the settings", right)


def _found(site: Site, slug: str, got: str, at: Directive, more: int = 0) -> Found:
    place: Place = (site.file, at.line)
    return Found(slug, got, place, RANK + more, TRIED)


def _socket(
    seen: Evidence, site: Site, server: Directive, path: str
) -> Iterator[Found]:
    taken = location(server, path)
    if taken is None or _is_led_to(server, taken, path):
        return
    behind = taken.all("proxy_pass")
    if not behind:
        if taken.all("include") or taken.all("return") or taken.all("rewrite"):
            return
        got = f"no location with a proxy_pass takes {path}"
        yield _found(site, "nginx-no-location-for-sockets", got, server)
        return
    (at,) = behind[-1:]
    target = at.args[0] if at.args else ""
    _, _, rest = target.partition("://")
    name, slash, tail = rest.partition("/")
    if name.startswith("unix:"):
        slash = tail = ""
    ours = all(_is_ours(seen, address) for address in site.upstream(name))
    # What nginx spoke with the client says nothing of who is asked behind.
    own = target.startswith("$scheme://") and server.speaks_tls
    tls = target.startswith("https://") or own
    if tls and ours:
        slug = "nginx-https-to-plain-backend"
        yield _found(site, slug, f"proxy_pass {target}", at)
    prefix = taken.args[-1] if len(taken.args) == 1 else ""
    if slash and "$" not in target and prefix not in ("", slash + tail):
        got = f"{path} arrives as {slash + tail + path.removeprefix(prefix)}"
        yield _found(site, "nginx-proxy-pass-strips-prefix", got, at)
    if (rewritten := _rewritten(taken, path)) is not None:
        at, arrives = rewritten
        if not any(takes(leaf, arrives.lstrip("/")) for leaf in seen.leaves):
            got = f"{path} arrives as {arrives}"
            yield _found(site, "nginx-proxy-pass-strips-prefix", got, at)
    headers = taken.headers()
    if headers is not None:
        missing = [
            one
            for one in ("Upgrade", "Connection")
            if one.lower() not in headers or not _passes(headers[one.lower()])
        ]
        if missing:
            got = f"{' and '.join(missing)} not passed on for {path}"
            yield _found(site, "nginx-without-upgrade-headers", got, at, -1)
    limit = taken.value("proxy_read_timeout")
    wait = limit.seconds if limit is not None else None
    if limit is not None and wait is not None and wait <= PING:
        got = f"proxy_read_timeout {limit.args[0]}"
        yield _found(site, "nginx-idle-socket-cut", got, limit, 10)


def _is_led_to(server: Directive, taken: Directive, path: str) -> bool:
    """Whether another location is made for sockets, and takes its own prefix away."""
    for one in server.all("location"):
        for passed in one.all("proxy_pass") if one is not taken else ():
            address = passed.args[0].partition("://")[2] if passed.args else ""
            _, slash, tail = address.partition("/")
            headers = one.headers() or {}
            upgrade = headers.get("upgrade")
            is_unix = address.startswith("unix:")
            if slash and not is_unix and path.startswith(f"/{tail}") and upgrade:
                return _passes(upgrade)
    return False


def _passes(header: Directive) -> bool:
    """Whether a header says "upgrade" to the server: ``Connection ""`` does not."""
    value = " ".join(header.args[1:]).lower()
    # What a client says by another header is something else, or nothing.
    if (asked := re.fullmatch(r"\$http_(\w+)", value)) and asked[1] in _HEADERS:
        return asked[1] == header.args[0].lower()
    if asked and "upgrade" in value:
        return False
    return "$" in value or "upgrade" in value or "websocket" in value


def _rewritten(taken: Directive, path: str) -> tuple[Directive, str] | None:
    """What ``rewrite … break`` makes of a path; None where nothing does."""
    for one in taken.all("rewrite"):
        if len(one.args) < 2 or one.args[2:] not in (["break"], []):
            continue
        try:
            match = re.search(one.args[0], path)
        except re.error:
            continue
        template = re.sub(r"\$(\d)", r"\\g<\1>", one.args[1])
        if match and "$" not in template and "://" not in template:
            return one, match.expand(template)
    return None


def _is_ours(seen: Evidence, address: str) -> bool:
    """Whether one of the project's own servers is asked, and none there speaks TLS."""
    told = commands(seen.project)
    if any(word.startswith(TLS) for one in told for word in one.words):
        return False
    host = address.partition(":")[0]
    return bool(_LOOPBACK.match(address)) or any(
        service.name == host and services.started(service, told)
        for service in services.services(seen.project)
    )


def _page(seen: Evidence, site: Site, server: Directive) -> Iterator[Found]:
    taken = location(server, "/")
    behind = taken.all("proxy_pass") if taken else []
    headers = taken.headers() if taken else None
    if headers is None or not behind:
        return
    if "host" not in headers or headers["host"].args[1:] == ["$proxy_host"]:
        got = "Host is not set: Django is told the name of the upstream"
        yield _found(site, "nginx-without-host", got, behind[0], 1)
    if "x-forwarded-proto" not in headers and wants_proto(seen):
        got = "X-Forwarded-Proto is not set"
        yield _found(site, "nginx-without-forwarded-proto", got, behind[0], 2)
    known = headers.get("x-forwarded-for")
    appends = known is not None and "$proxy_add_x_forwarded_for" in known.args
    if known and appends and _believes(seen):
        got = "the address that the client made up comes first"
        yield _found(site, "nginx-appends-forwarded-for", got, known, 11)


def _believes(seen: Evidence) -> bool:
    """Whether somebody behind the proxy may read the address that it names."""
    started = [one for one in commands(seen.project) if one.program in SERVERS]
    if not started or any(
        one.server == "uvicorn" or "--proxy-headers" in one.words for one in started
    ):
        return True
    return any(
        "forwarded_for" in str(node.value).lower().replace("-", "_")
        for module in seen.source.modules.values()
        if "orwarded" in module.text or "ORWARDED" in module.text
        for node in walk(module.tree)
        if isinstance(node, ast.Constant)
    )


def _files(seen: Evidence, site: Site, server: Directive) -> Iterator[Found]:
    """Files that nginx shall serve, and where collectstatic puts them."""
    for one in server.all("location"):
        prefix = one.args[-1]
        if prefix.strip("/") != "static" or not one.all("alias"):
            continue
        alias = one.all("alias")[-1]
        if not any("STATIC_ROOT" in m.lines for m in seen.source.modules.values()):
            continue  # nobody collects them
        names = filled(seen)
        if (folder := _unseen(seen, alias)) is not None:
            got = f"nothing is mounted at {folder} in nginx's container"
            yield _found(site, "nginx-static-alias-elsewhere", got, alias, 4)
            continue
        folder = PurePosixPath(alias.args[0]).name if alias.args else ""
        mounted = bool(alias.args) and _is_mounted(seen, alias.args[0])
        if names and "$" not in folder and folder not in names and not mounted:
            got = f"nginx looks in {folder}/, collectstatic fills {names[-1]}/"
            yield _found(site, "nginx-static-alias-elsewhere", got, alias, 4)


def _unseen(seen: Evidence, alias: Directive) -> str | None:
    """A folder that nginx's container has nothing in, though it has volumes."""
    every = [
        s for s in services.services(seen.project) if _NGINX.match(s.text("image"))
    ]
    told = [one.keys["volumes"][0] for one in every if "volumes" in one.keys]
    path = alias.args[0] if alias.args else "$"
    if len(every) != 1 or not told or not isinstance(told[0], list) or "$" in path:
        return None
    if any(":" not in text or "$" in text for text in told[0]):
        return None
    there = [text.split(":")[1] for text in told[0]]
    files = [one for one in there if not one.startswith("/etc/")]  # no words, no keys
    return path if files and not any(map(path.startswith, files)) else None


def filled(seen: Evidence) -> list[str]:
    """The last parts of the folders that collectstatic fills, here or elsewhere."""
    names = [
        PurePosixPath(str(other["static_root"])).name
        for other in seen.deployed.all("deployed")
        if other["static_root"]
    ]
    return names + [
        PurePosixPath(str(node.value)).name
        for name, _, assigned in set_in_settings(seen)
        for node in (walk(assigned.value) if name == "STATIC_ROOT" else ())
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _is_mounted(seen: Evidence, path: str) -> bool:
    """Whether a service of compose has a volume there, which others know otherwise."""
    every = list(services.services(seen.project))
    every = [one for one in every if _NGINX.match(one.text("image"))] or every
    volumes = [one.keys.get("volumes", ("", 0))[0] for one in every]
    told = [
        text.split(":") for each in volumes if isinstance(each, list) for text in each
    ]
    return any(len(one) > 1 and path.startswith(one[1]) for one in told)


def _no_files(seen: Evidence, site: Site, server: Directive) -> Iterator[Found]:
    """Files that nginx passes on to a server that has none."""
    url = str(seen.settings.get("static") or "")
    taken = location(server, url + "x.js") if url.startswith("/") else None
    if taken is None or not taken.all("proxy_pass") or taken.all("root"):
        return
    page = location(server, "/")
    asked = [[one.args for one in at.all("proxy_pass")] for at in (taken, page) if at]
    if asked[:1] != asked[1:]:
        return  # who is asked for files alone may have them
    others = (one for each in sites(seen.project) for one in each.servers())
    at_home = (location(one, url + "x.js") for one in others)
    if any(one is not None and not one.all("proxy_pass") for one in at_home):
        return  # the files are served; this is another site beside it
    if not serves_files(seen):
        at = taken.all("proxy_pass")[-1]
        got = f"nginx asks the server for {url}"
        yield _found(site, "deploy-static-files-under-daphne", got, at, 5)


def serves_files(seen: Evidence) -> bool:
    """Whether something in the project serves its static files."""
    used = [str(name) for name in seen.settings.get("middleware") or []]
    for module in seen.source.modules.values():
        used += module.names.values()
    return any(name.startswith(SERVES) for name in used)
