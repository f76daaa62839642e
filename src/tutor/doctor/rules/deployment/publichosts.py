"""The names under which nginx serves a site, against those that Django lets in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain

from tutor.doctor.commands import commands, variables
from tutor.doctor.deployed import named as text_names
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, location, sites
from tutor.doctor.rules.deployment import caddy
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.project.asgi import called
from tutor.doctor.source import Module
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.values import ANY, values

RANK = 59
TRIED = "reading ALLOWED_HOSTS and the words for nginx"
KEY = "DJANGO_SETTINGS_MODULE"


def rules(seen: Evidence) -> Iterator[Found]:
    """A site by a name that the settings of production do not have."""
    yield from _dressed(seen)
    yield from _origins(seen)
    module = _production(seen)
    given = module.values.get("ALLOWED_HOSTS", []) if module else []
    if module is None or len(given) != 1 or "ALLOWED_HOSTS" in module.changed:
        return
    hosts = _texts(module, given[0])
    if not hosts:
        return
    named: dict[str, list[str]] = {}  # by who is asked behind
    for site in sites(seen.project):
        for server in site.servers():
            named.setdefault(_behind(server), []).extend(public(server))
    for _, block, names in caddy.sites(seen.project):
        if caddy.host_of(block) is None:
            here = [one for one in names if is_public(one)]
            named.setdefault("Caddy", []).extend(here)
    known = {who for who, names in named.items() if any_in(hosts, names)}
    for who, names in named.items():
        for name in names:
            # Other sites may stand beside one that is let in.
            if not any_in(hosts, [name]) and (who in known or not known):
                yield Found(
                    "origin-public-host-not-allowed",
                    f"a page on {name} is refused; allowed are {', '.join(hosts)}",
                    (module.file, given[0].lineno),
                    RANK,
                    TRIED,
                    "the plain names under which the site is visited",
                )
                return


def _dressed(seen: Evidence) -> Iterator[Found]:
    """A host with more than its name, in settings that nobody has loaded here."""
    for module in seen.source.modules.values():
        for node in module.values.get("ALLOWED_HOSTS", []):
            for host in _named(module, node):
                if "/" in host or re.search(r"[^\]:]:\d+$", host):
                    yield Found(
                        "origin-allowed-hosts-with-scheme-or-port",
                        repr(host),
                        (module.file, node.lineno),
                        RANK - 1,
                        "reading ALLOWED_HOSTS",
                        "the plain names under which the site is visited",
                    )
                    return


def _origins(seen: Evidence) -> Iterator[Found]:
    """A site whose name is in none of the origins that are written out."""
    call = called(seen, "OriginValidator")
    if call is None or "Allowed" in ast.unparse(call.node.func):
        return
    given = [*call.node.args[1:], *(word.value for word in call.node.keywords)]
    origins = _texts(call.module, given[-1]) if given else []
    hosts = [re.sub(r"^\w+://|:\d+$|/.*$", "", one) for one in origins]
    servers = [one for site in sites(seen.project) for one in site.servers()]
    names = [name for server in servers for name in public(server)]
    slug, got, first = "origin-public-host-not-allowed", "", "".join(names[:1])
    if hosts and names and "*" not in hosts and not any_in(hosts, names):
        got = f"a page on {first} is refused; allowed are {', '.join(origins)}"
    if origins and all(one.startswith("http://") for one in origins):
        encrypted = [n for one in servers if one.speaks_tls for n in public(one)]
        for name in [one for one in encrypted if any_in(hosts, [one])][:1]:
            slug, first = "origin-validator-scheme-or-port-mismatch", name
            got = f"a page of https://{name} is refused; allowed is http://{name}"
    if got:
        where = call.module.file, given[-1].lineno
        tried = "reading the origins and the words for nginx"
        yield Found(slug, got, where, RANK, tried, f"'https://{first}'")


def _named(module: Module, node: ast.expr) -> list[str]:
    """The parts of a list that are one text, by whatever names."""
    where, found = unfold(Frame(body(module)), node)
    parts = found.elts if isinstance(found, ast.List | ast.Tuple) else []
    texts = [values(where, one) for one in parts]
    sure = chain.from_iterable(one for one in texts if one and len(one) == 1)
    return [text.replace(ANY, "…") for text in sure]


def any_in(hosts: list[str], names: list[str]) -> bool:
    return any(_lets_in(host, name) for host in hosts for name in names)


def _behind(server: Directive) -> str:
    """Who is asked behind a site."""
    taken = location(server, "/")
    return " ".join(
        arg for at in (taken.all("proxy_pass") if taken else ()) for arg in at.args
    )


def _production(seen: Evidence) -> Module | None:
    """The settings that the started servers run with, where that is written."""
    named = {one.env[KEY][0] for one in commands(seen.project) if KEY in one.env}
    named |= {value for _, _, key, value in variables(seen.project) if key == KEY}
    modules = [seen.source.modules[one] for one in named if one in seen.source.modules]
    if not named:
        # The servers import asgi.py; manage.py may name others, for development.
        asgi = seen.source.modules.get(seen.asgi_module)
        name = text_names(asgi.text) if asgi is not None else ""
        own = seen.source.modules.get(name or str(seen.settings.get("module") or ""))
        modules = [own] if own is not None else []
    return modules[0] if len(modules) == 1 else None


def _texts(module: Module, node: ast.expr) -> list[str]:
    """A list that is written out; empty where any of it comes from elsewhere."""
    _, found = unfold(Frame(body(module)), node)
    parts = found.elts if isinstance(found, ast.List | ast.Tuple) else []
    texts = [getattr(one, "value", None) for one in parts]
    plain = [one for one in texts if isinstance(one, str)]
    return plain if len(plain) == len(texts) else []


def public(server: Directive) -> Iterator[str]:
    """The names of a site, where Django is told by which it was asked for."""
    taken = location(server, "/")
    headers = (taken.headers() if taken else None) or {}
    host = headers.get("host")
    if host is None or not {"$host", "$http_host"} & set(host.args):
        return
    for one in server.all("server_name"):
        yield from (name for name in one.args if is_public(name))


def is_public(name: str) -> bool:
    """Whether a name is one of the net's own: no pattern, no placeholder."""
    return "." in name and not set(name) & set("~*$_{<") and name.strip(".") == name


def _lets_in(host: str, name: str) -> bool:
    """Whether Django takes a name, by one of its ALLOWED_HOSTS."""
    host, name = host.lower(), name.lower()
    below = host.startswith(".") and (name.endswith(host) or name == host[1:])
    return host in ("*", name) or below
