"""Whether Django knows of the https that a proxy speaks for it, and whom it trusts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.commands import Command, commands, variables
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import given
from tutor.doctor.proxies import sites
from tutor.doctor.rules.deployment import caddy
from tutor.doctor.rules.deployment.served import TRIED
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source import Module
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk

RANK = 61
HEADER, REDIRECT = "SECURE_PROXY_SSL_HEADER", "SECURE_SSL_REDIRECT"
ORIGINS = "CSRF_TRUSTED_ORIGINS"
BARE = "deploy-trusted-origin-without-scheme"


def rules(seen: Evidence) -> Iterator[Found]:
    yield from [*_bare(seen)][:1]
    yield from _led_round(seen)


def _own(seen: Evidence) -> Iterator[Module]:
    return (m for m in seen.source.modules.values() if not is_aside(m.file))


def _led_round(seen: Evidence) -> Iterator[Found]:
    """All pages lead to https, and nothing says that they came by it."""
    if any(HEADER in module.text for module in _own(seen)):
        return
    if any(map(_is_told, commands(seen.project))) or not _has_proxy(seen):
        return
    for module in _own(seen):
        for value in module.values.get(REDIRECT, []):
            if not (isinstance(value, ast.Constant) and not value.value):
                yield Found(
                    "deploy-https-of-the-proxy-unknown",
                    "301 to the page's own address, again and again",
                    (module.file, value.lineno),
                    RANK,
                    "reading the settings",
                    f"{HEADER} = ('HTTP_X_FORWARDED_PROTO', 'https')",
                )
                return


def _is_told(one: Command) -> bool:
    """Whether a server may tell Django itself by which scheme it was asked."""
    words = " ".join([one.program, *one.words])
    return bool(re.search(r"vicorn|hypercorn|--proxy-headers", words))


def _has_proxy(seen: Evidence) -> bool:
    """Whether nginx or Caddy speaks TLS, and asks the server behind without."""
    servers = (one for site in sites(seen.project) for one in site.servers())
    return any(one.speaks_tls for one in servers) or any(
        True for _ in caddy.asked(seen.project)
    )


def _bare(seen: Evidence) -> Iterator[Found]:
    """An origin that is only the name of a host."""
    for module in _own(seen):
        for node in module.values.get(ORIGINS, []):
            for origin in _texts(module, node):
                if re.fullmatch(r"[\w*.-]+(?::\d+)?", origin):
                    yield _found(origin, (module.file, node.lineno))
    read = _asked(seen)
    told = [*given(seen.project).items()]
    given_by = [(key, one.value, (one.file, one.line)) for key, one in told]
    given_by += [(k, v, (f, line)) for f, line, k, v in variables(seen.project)]
    for key, value, place in given_by if read else ():
        for origin in re.split(r"[\s,]+", value) if key in read else ():
            if re.fullmatch(r"[\w*-]+(?:\.[\w-]+)+(?::\d+)?", origin):
                yield _found(origin, place)


def _texts(module: Module, node: ast.expr) -> Iterator[str]:
    """What a list holds that is written out."""
    where, held = unfold(Frame(body(module)), node)
    for one in held.elts if isinstance(held, ast.List | ast.Tuple) else ():
        told = values(where, one)
        if told and len(told) == 1 and ANY not in (text := next(iter(told))):
            yield text


def _asked(seen: Evidence) -> set[str]:
    """The variables of which the origins are made, as they are."""
    every = [node for m in _own(seen) for node in m.values.get(ORIGINS, [])]
    parts = (ast.JoinedStr, ast.BinOp)  # of which a text is put together
    made = [one for node in every for one in walk(node) if isinstance(one, parts)]
    if any("://" in text for one in made for text in _constants(one)):
        return set()
    return {text for node in every for text in _constants(node)}


def _constants(node: ast.expr) -> Iterator[str]:
    """The texts that are written in an expression."""
    for one in walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def _found(origin: str, place: Place) -> Found:
    got = f"(4_0.E001) {origin!r} has no scheme"
    return Found(BARE, got, place, RANK - 1, TRIED, f"'https://{origin}'")
