"""Whether pages come over https, as the settings and the words for nginx tell it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor import services
from tutor.doctor.compose import Service
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import sites
from tutor.doctor.rules.found import Place
from tutor.doctor.rules.project.asgi import called
from tutor.doctor.source.walking import walk


def wanted_headers(seen: Evidence) -> Iterator[tuple[str, Place]]:
    """By which names the settings ask for the header that says https."""
    for name, file, node in set_in_settings(seen):
        first = next(iter(getattr(node.value, "elts", [])), None)
        told = getattr(first, "value", None)
        if name == "SECURE_PROXY_SSL_HEADER" and isinstance(told, str):
            yield told, (file, node.lineno)


def wants_proto(seen: Evidence) -> bool:
    """Whether the settings, in whatever case, wait for that header."""
    return any(
        name == "SECURE_PROXY_SSL_HEADER" for name, _, _ in set_in_settings(seen)
    )


def speaks_tls(seen: Evidence) -> bool:
    """Whether pages of this project come over https, here or where it is deployed."""
    return _redirects(seen) or any(True for _ in _encrypted(seen)) or _trusts(seen)


_ORIGINS = ("CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST")


def _trusts(seen: Evidence) -> bool:
    """Whether pages are named by an origin with https, from which they may ask."""
    values = [node.value for name, _, node in set_in_settings(seen) if name in _ORIGINS]
    call = called(seen, "OriginValidator")
    values += call.node.args[1:2] if call is not None else []
    return any(
        isinstance(one, ast.Constant) and str(one.value).startswith("https://")
        for value in values
        for one in walk(value)
    )


def speaks_tls_here(seen: Evidence, redirects: bool = True) -> bool:
    """The same of this machine: a site whose names are all public is another's.

    Args:
        seen: the evidence.
        redirects: whether settings that lead to https are a sign of it.
    """
    named = any(not all(map(_PUBLIC.fullmatch, names)) for names in _encrypted(seen))
    told = redirects and _redirects(seen)
    return told or named or any(map(_has_tls, services.services(seen.project)))


def _has_tls(one: Service) -> bool:
    """Whether the port of https is open on a service of compose."""
    ports = one.keys.get("ports", ([], 0))[0]
    return not isinstance(ports, str) and any(map(_HTTPS.fullmatch, ports))


_HTTPS = re.compile(r"(?:[\w.{}$\[\]-]+:)*443(?:/tcp)?")
# A name that only the world's name servers know; no example, variable or pattern.
_PUBLIC = re.compile(r"\.?(?:[\w-]+\.)+(?!local(?:host)?\b|test\b)[a-z]{2,}")


def _redirects(seen: Evidence) -> bool:
    return any(name == "SECURE_SSL_REDIRECT" for name, _, _ in set_in_settings(seen))


def _encrypted(seen: Evidence) -> Iterator[list[str]]:
    """The names of each of nginx's servers that speaks TLS; one without any has ""."""
    for site in sites(seen.project):
        for server in site.servers():
            if server.speaks_tls:
                names = [word for one in server.all("server_name") for word in one.args]
                yield names or [""]


def set_in_settings(seen: Evidence) -> Iterator[tuple[str, str, ast.Assign]]:
    """What the settings give a value, also below an if: name, file, node.

    Those of here come first, then those that servers are started with elsewhere.
    """
    names = [seen.settings.get("module") or seen.settings_name or ""]
    names += [one["module"] for one in seen.deployed.all("deployed")]
    for module in [seen.source.modules.get(name) for name in dict.fromkeys(names)]:
        for node in walk(module.tree) if module else ():
            if module and isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        yield target.id, module.file, node
