"""What a server is handed by a file of variables, against those whom it deals with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tutor.doctor import handed
from tutor.doctor.child import Event
from tutor.doctor.commands import commands, known, variables
from tutor.doctor.compose import Service
from tutor.doctor.deployed import VARIABLE, WORD
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import PROGRAMS, Variable, to_service
from tutor.doctor.proxies import Directive, sites
from tutor.doctor.rules.deployment import publichosts
from tutor.doctor.rules.deployment.composed import IMAGE, asks_for_password, published
from tutor.doctor.rules.deployment.elsewhere import hosts_given, names_hosts
from tutor.doctor.rules.deployment.places import place
from tutor.doctor.rules.deployment.served import TRIED
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.rules.project.asgi import called
from tutor.doctor.services import services, started
from tutor.doctor.source.walking import walk

RANK = 66
LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]")
_URL = re.compile(
    r"rediss?://(?P<given>[^@/]*@)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?(?:/|$)"
)
_IMAGES = re.compile(
    r"(?m)^\s*image\s*:.*$|rediss?://[^\s\"']*|\bredis-(?:cli|server)\b"
)
_HOST_KEY = re.compile(r"(?:\w+_)?(?:REDIS|VALKEY)_(?:SERVER|HOST|HOSTNAME)")
# Of a list: the name alone, whose value the shell has.
_HOST_KEYS = re.compile(r"^\w*(?:REDIS|VALKEY|CHANNEL)\w*$")
_PORT = re.compile(r"--port[ =]+[\"']?(\d+)")
# A scheme, or a port behind a name; not the colons of an address of IPv6.
_DRESSED = re.compile(r"/|^[^:]+:\d+$")
# Not that of a part, such as SQL_DEBUG.
_SWITCH = re.compile(r"(?!.*(?:SQL|LOG|TOOLBAR|TEMPLATE|CELERY|REDIS))(?:\w+_)?DEBUG")
_NO = ("0", "no", "off", "false")
# Containers of other files may have any name there.
_JOINED = re.compile(r"external|\bextra_hosts\b|\blinks\b|^include:", re.M)
_HOST_NET = re.compile(r"\bhost\b")


def rules(seen: Evidence) -> Iterator[Found]:
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    given = handed.given(seen.project)
    for key, one in handed.handed(seen.project).items():
        yield from hosts_given(seen, key, one.value, (one.file, one.line))
    every = list(services(seen.project))
    for file in dict.fromkeys(one.file for one in every):
        here = [one for one in every if one.file == file]
        yield from _to_redis(seen, here)
    for settings in seen.deployed.all("deployed"):
        yield from _names(seen, settings, given)
        yield from _debug(seen, settings, given)
        yield from _origins(seen, settings, given)


def _to_redis(seen: Evidence, here: list[Service]) -> Iterator[Found]:
    """URLs of a Redis beside a server, that lead to none, or lack its password."""
    redis = {one.name: one for one in here if IMAGE.match(one.text("image"))}
    told = commands(seen.project)
    own = [one for one in here if started(one, told, PROGRAMS)]
    if any(_HOST_NET.search(one.text("network_mode")) for one in own):
        return
    # Other names are in the file, too: of a container, of a network's alias.
    texts = [(seen.project / one.file).read_text("utf-8", "replace") for one in own[:1]]
    there = _IMAGES.sub("", "".join(texts))
    names = {one.name for one in services(seen.project)}
    there = " ".join([there, *names])
    for one in own:
        urls: dict[str, tuple[str, Place, bool]] = {
            key: (value.value, (value.file, value.line), True)
            for key, value in to_service(seen.project, one).items()
        }
        for key, (text, line) in one.below("environment").items():
            urls[key] = text, (one.file, line), False
        wrong = [
            found
            for key, (value, at, by_file) in urls.items()
            for found in _wrong(seen.project, key, value, at, by_file, redis, there)
        ]
        default = _by_default(seen, one, set(urls)) if redis else ()
        yield from wrong[:1] or default


def _wrong(
    project: Path,
    key: str,
    value: str,
    at: Place,
    by_file: bool,
    redis: dict[str, Service],
    there: str,
) -> Iterator[Found]:
    is_host = bool(_HOST_KEY.fullmatch(key) and re.fullmatch(r"[\w.-]+", value))
    match = _URL.match(f"redis://{value}" if is_host else value)
    if match is None or not known(value):
        return
    host, port = match["host"], match["port"] or "6379"
    there = re.sub(rf"\b{key}\b.*", "", there) if is_host else there
    # The others are looked at elsewhere.
    if host in LOCAL and (by_file or is_host) and redis:
        yield _nobody(
            f"nothing listens at {value}",
            at,
            "the name of the service with Redis as the host",
            "In a container localhost is that container itself.",
        )
    if host not in redis:
        elsewhere = "." in host or host in LOCAL or bool(_JOINED.search(there))
        if not elsewhere and host not in there:
            yield _nobody(
                f"no service is named {host}",
                at,
                f"the name of the service with Redis: {next(iter(redis), 'redis')}",
            )
        return
    if is_host:
        return  # the port and the password have variables of their own
    listens = _PORT.search(redis[host].text("command"))
    there = listens[1] if listens else published(redis[host], port) or port
    if there != port:
        yield _nobody(
            f"nothing listens at {value}",
            at,
            f"the port on which {host} listens: {there}",
        )
    if by_file and not match["given"] and asks_for_password(project, redis[host]):
        yield Found(
            "redis-password-missing",
            "HELLO must be called with the client already authenticated",
            at,
            RANK,
            TRIED,
            f"redis://:password@{host}:{port}",
        )


def _nobody(got: str, at: Place, expected: str, hint: str = "") -> Found:
    return Found("redis-server-not-running", got, at, RANK, TRIED, expected, hint)


def _by_default(seen: Evidence, one: Service, keys: set[str]) -> Iterator[Found]:
    """Settings that ask this machine, since the container is told nothing else."""
    if _may_know_more(seen.project, one):
        return
    begun = started(one, commands(seen.project), PROGRAMS)
    modules = {each.env[VARIABLE][0] for each in begun if VARIABLE in each.env}
    every = seen.deployed.all("deployed")
    for settings in every if modules or len(every) == 1 else ():
        if modules and settings["module"] not in modules:
            continue
        layers = settings["layers"] if isinstance(settings["layers"], dict) else {}
        for layer in layers.values():
            config = layer.get("CONFIG") if isinstance(layer, dict) else None
            hosts = config.get("hosts") if isinstance(config, dict) else None
            for host in hosts if isinstance(hosts, list) else ():
                if _is_local(host):
                    yield _nobody(
                        f"nothing listens at {host}",
                        place(seen, settings, "CHANNEL_LAYERS"),
                        "the name of the service with Redis as the host",
                        "In a container localhost is that container itself.",
                    )
                    return


def _may_know_more(project: Path, one: Service) -> bool:
    """Whether a service is handed what nobody sees here: a file, the shell's own."""
    said = one.keys.get("environment", ("", 0))[0]
    if any(_HOST_KEYS.search(name) for name in said if isinstance(said, list)):
        return True
    told = one.keys.get("env_file", ("", 0))[0]
    files = [told] if isinstance(told, str) else told
    shown = {PurePosixPath(v.file).name for v in to_service(project, one).values()}
    return any(
        not any(name.startswith(PurePosixPath(file).name) for name in shown)
        for file in files
        if file
    )


def _is_local(host: object) -> bool:
    if isinstance(host, dict):
        host = host.get("address", host.get("host"))
    if isinstance(host, list) and host:
        return host[0] in LOCAL
    match = _URL.match(host) if isinstance(host, str) else None
    return match is not None and match["host"] in LOCAL


def _debug(
    seen: Evidence, settings: Event, given: dict[str, Variable]
) -> Iterator[Found]:
    """DEBUG is on in settings that were told the opposite."""
    module = seen.source.by_file(place(seen, settings, "DEBUG")[0] or "")
    asked = [
        value
        for value in (module.values.get("DEBUG", []) if module else [])
        if not isinstance(value, ast.Constant)
    ]
    for key, one in given.items() if settings["debug"] and asked else ():
        if _SWITCH.fullmatch(key) and one.value.lower() in _NO:
            yield Found(
                "deploy-debug-cannot-be-off",
                f"DEBUG is True with {key}={one.value}",
                place(seen, settings, "DEBUG"),
                RANK,
                TRIED,
                "a comparison, such as == 'yes'",
            )
            return


def _names(
    seen: Evidence, settings: Event, given: dict[str, Variable]
) -> Iterator[Found]:
    """Names under which nginx serves the site, and that a variable does not name."""
    hosts = [str(one) for one in settings["hosts"] or []]
    if not hosts or WORD in "".join(hosts):
        return
    lists = (v for v in given.values() if set(re.split(r"[\s,]+", v.value)) == {*hosts})
    source = next(lists, None) or _silent(seen, hosts)
    if source is None:
        return
    if dressed := next((one for one in hosts if _DRESSED.search(one)), None):
        yield Found(
            "origin-allowed-hosts-with-scheme-or-port",
            repr(dressed),
            (source.file, source.line),
            RANK,
            publichosts.TRIED,
            "the plain names under which the site is visited",
        )
    if any("/" in one or ":" in one for one in hosts):
        return
    public = [name for server in _servers(seen) for name in publichosts.public(server)]
    if public and not publichosts.any_in(hosts, public):
        yield Found(
            "origin-public-host-not-allowed",
            f"a page on {public[0]} is refused; allowed are {', '.join(hosts)}",
            (source.file, source.line),
            RANK,
            publichosts.TRIED,
            "the plain names under which the site is visited",
        )


def _silent(seen: Evidence, hosts: list[str]) -> Variable | None:
    """The service that leaves it at a default, such as this machine's names."""
    if {*hosts} - {*LOCAL} or any(True for _ in variables(seen.project)):
        return None
    told, asked = commands(seen.project), names_hosts(seen)
    own = [one for one in services(seen.project) if started(one, told)]
    if len(own) != 1 or "env_file" in own[0].keys or "secrets" in own[0].keys:
        return None
    said = own[0].below("environment")
    line = own[0].keys.get("environment", ("", own[0].line))[1]
    return None if asked & {*said} else Variable("", own[0].file, line, "")


def _origins(
    seen: Evidence, settings: Event, given: dict[str, Variable]
) -> Iterator[Found]:
    """Origins by the other scheme than that by which nginx serves their host."""
    call = called(seen, "OriginValidator")
    named = {
        str(getattr(node, "attr", ""))
        for argument in (call.node.args[1:] if call else ())
        for node in walk(argument)
    }
    origins = [
        one for name in named & {*settings["lists"]} for one in settings["lists"][name]
    ]
    schemes: dict[str, set[str]] = {}
    for server in _servers(seen):
        if server.all("proxy_pass") or any(
            inner.all("proxy_pass") for inner in server.block
        ):
            scheme = "https" if server.speaks_tls else "http"
            for name in publichosts.public(server):
                schemes.setdefault(name, set()).add(scheme)
    for origin in origins:
        scheme, _, host = origin.partition("://")
        there = schemes.get(host.rstrip("/"))
        if not there or scheme in there:
            continue
        source = next((v for v in given.values() if origin in v.value), None)
        (right,) = there
        yield Found(
            "origin-validator-scheme-or-port-mismatch",
            f"a page of {right}://{host} is refused; allowed is {origin}",
            (source.file, source.line)
            if source
            else place(seen, settings, min(named & {*settings["lists"]})),
            RANK,
            TRIED,
            f"{right}://{host}",
        )
        return


def _servers(seen: Evidence) -> Iterator[Directive]:
    for site in sites(seen.project):
        yield from site.servers()
