"""What nginx is told with a value that cannot be right: a scheme, a name, a folder."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, Site, files, location, sites
from tutor.doctor.rules.deployment.https import wanted_headers
from tutor.doctor.rules.deployment.proxy import RANK, TRIED, filled
from tutor.doctor.rules.found import Found
from tutor.doctor.services import services

_OWN = "connection_upgrade"  # of nginx's own guide: a map has to give it a value


def rules(seen: Evidence) -> Iterator[Found]:
    for site in sites(seen.project):
        for server in site.servers():
            yield from _scheme(seen, site, server)
            yield from _unmapped(seen, site, server)
            yield from _folder(seen, site, server)
            yield from _nobody(seen, site, server)


def _found(site: Site, slug: str, got: str, at: Directive, hint: str = "") -> Found:
    return Found(slug, got, (site.file, at.line), RANK, TRIED, hint=hint)


def _scheme(seen: Evidence, site: Site, server: Directive) -> Iterator[Found]:
    """The header that says https: always http, or not the one that is looked for."""
    taken = location(server, "/")
    headers = taken.headers() if taken is not None else None
    wanted = [*wanted_headers(seen)]
    if not headers or not wanted or taken is None or not taken.all("proxy_pass"):
        return
    known = headers.get("x-forwarded-proto")
    if known is not None and known.args[1:] == ["http"]:
        got = "X-Forwarded-Proto is http, also where the client spoke TLS"
        yield _found(site, "nginx-without-forwarded-proto", got, known)
    for name, place in wanted:
        asked = name.removeprefix("HTTP_").replace("_", "-").lower()
        if name.startswith("HTTP_") and known is not None and asked not in headers:
            yield Found(
                "deploy-proxy-header-misnamed",
                f"nginx sets X-Forwarded-Proto, and nobody sets {name!r}",
                place,
                RANK,
                "reading the settings",
                "HTTP_X_FORWARDED_PROTO",
            )


def _nobody(seen: Evidence, site: Site, server: Directive) -> Iterator[Found]:
    """A name that is no upstream, beside one that nobody asks."""
    named = [one.args[0] for one in site.top.all("upstream") if one.args]
    for at in server.all("location"):
        for passed in at.all("proxy_pass"):
            name = passed.args[0].partition("://")[2].partition("/")[0]
            lone = re.fullmatch(r"[A-Za-z]\w*", name) and name != "localhost"
            text = (seen.project / site.file).read_text("utf-8", "replace")
            idle = [one for one in named if f"://{one}" not in text]
            if lone and name not in named and idle and not any(services(seen.project)):
                got = f"host not found in upstream {name!r}"
                hint = f"The upstream is called {idle[0]}."
                yield _found(site, "nginx-502-upstream-down", got, passed, hint)


def _unmapped(seen: Evidence, site: Site, server: Directive) -> Iterator[Found]:
    """``$connection_upgrade``, and no map that gives it a value."""
    if server.outer is not None and server.outer.all("include"):
        return
    for one in server.block:
        for header in [one, *one.all("proxy_set_header")]:
            told = [word.lower() for word in header.args[:2]]
            if told == ["connection", f"${_OWN}"] and not _is_mapped(seen):
                got = f'unknown "{_OWN}" variable'
                hint = f"No map gives ${_OWN} a value, so nginx does not start."
                slug = "nginx-without-upgrade-headers"
                yield _found(site, slug, got, header, hint)


def _is_mapped(seen: Evidence) -> bool:
    for path in files(seen.project):
        with suppress(OSError, UnicodeDecodeError):
            text = re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8"))
            if re.search(rf"\b(?:map|set|geo)\b[^;{{}}]*\${_OWN}\b", text):
                return True
    return False


def _folder(seen: Evidence, site: Site, server: Directive) -> Iterator[Found]:
    """A folder of files to which nginx adds the path, or a slash too few."""
    names = filled(seen)
    whole = [str(one["static_root"]) for one in seen.deployed.all("deployed")]
    for one in server.all("location"):
        prefix = one.args[-1]
        if prefix.strip("/") != "static" or len(one.args) > 2:
            continue
        for told in one.all("root"):
            last = PurePosixPath(told.args[0]).name if told.args else ""
            if last in names and ("static" not in names or told.args[0] in whole):
                got = f"root adds the path: nginx looks in {last}/static/"
                yield _found(site, "nginx-static-alias-elsewhere", got, told)
        for told in one.all("alias"):
            path = told.args[0] if told.args else ""
            if prefix.endswith("/") and path and not path.endswith(("/", "}")):
                if "$" in path:
                    continue
                got = f"nginx looks for {path}page.css"
                hint = "The alias has no slash at its end."
                yield _found(site, "nginx-static-alias-elsewhere", got, told, hint)
                continue
            yield from _another_place(seen, site, told)


def _another_place(seen: Evidence, site: Site, alias: Directive) -> Iterator[Found]:
    """A folder of the right name, elsewhere than where collectstatic puts the files."""
    every = seen.source.modules.values()
    roots = [value for one in every for value in one.values.get("STATIC_ROOT", [])]
    paths = [str(one.value) for one in roots if isinstance(one, ast.Constant)]
    whole = [one.rstrip("/") for one in paths if one.startswith("/")]
    path = alias.args[0].rstrip("/") if alias.args else ""
    # In containers a folder has another path for each of them.
    if not whole or len(whole) < len(roots) or any(services(seen.project)):
        return
    same = PurePosixPath(path).name in {PurePosixPath(one).name for one in whole}
    if path.startswith("/") and same and path not in whole and "$" not in path:
        got = f"nginx looks in {path}/, collectstatic fills {whole[-1]}/"
        yield _found(site, "nginx-static-alias-elsewhere", got, alias)
