"""What holds in another place than here: other settings, and containers' variables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.commands import commands, variables
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment.served import TRIED as READ
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.services import services
from tutor.doctor.source import Module
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.startfiles import Env

RANK = 66
TRIED = "reading the settings"
_READERS = ("env", "config", "getenv", "str")
_LOCAL = re.compile(r"rediss?://(?:[^@/]*@)?(?:localhost|127\.0\.0\.1)\b")
_REDIS = re.compile(r"^\s*image:\s*[\"']?(?:[\w./-]+/)?(?:redis|valkey)\b", re.M)
_HOST_NET = re.compile(r"^\s*network_mode:\s*[\"']?host\b", re.M)


def rules(seen: Evidence) -> Iterator[Found]:
    if "websocket" not in (seen.walk.get("protocols") or {}):
        return
    for module in seen.source.modules.values():
        if "CHANNEL_LAYERS" in module.values and not is_aside(module.file):
            yield from _hosts(module)
    for one in commands(seen.project):
        yield from _of_container(seen, one.file, one.env)
        for key, (value, line) in one.env.items():
            yield from hosts_given(seen, key, value, (one.file, line))
    for service in services(seen.project):
        if not service.starts:  # its image says what is started
            env = service.below("environment")
            yield from _of_container(seen, service.file, env)
    for file, line, key, value in variables(seen.project):
        yield from hosts_given(seen, key, value, (file, line))


def _hosts(module: Module) -> Iterator[Found]:
    """Settings that are not in use here, with hosts that are one text."""
    frame = Frame(body(module))
    for given in module.values["CHANNEL_LAYERS"]:
        where, held = unfold(frame, given)
        for node in walk(held):
            for key, value in (
                zip(node.keys, node.values, strict=True)
                if isinstance(node, ast.Dict)
                else ()
            ):
                named = isinstance(key, ast.Constant) and key.value == "hosts"
                if named and _is_text(where, value):
                    yield Found(
                        "redis-hosts-is-a-string",
                        "You must pass a list of Redis hosts",
                        (where.module.file, value.lineno),
                        RANK,
                        TRIED,
                        "a list of hosts",
                    )


def _is_text(frame: Frame, node: ast.expr) -> bool:
    """Whether an expression is certainly one text: such as from the environment."""
    where, found = unfold(frame, node)
    if isinstance(found, ast.Constant):
        return isinstance(found.value, str)
    if isinstance(found, ast.Subscript):
        return where.module.resolve(found.value, where.function) == "os.environ"
    if not isinstance(found, ast.Call):
        return isinstance(found, ast.JoinedStr)
    name = where.module.resolve(found.func, where.function) or ""
    if name in ("os.environ.get", "os.getenv", "builtins.str"):
        return True
    told = getattr(found.func, "attr", "") or getattr(found.func, "id", "")
    if told not in _READERS or any(word.arg == "cast" for word in found.keywords):
        return False
    given = [*found.args[1:], *(word.value for word in found.keywords)]
    texts = [one.value for one in given if isinstance(one, ast.Constant)]
    return any(isinstance(one, str) and "://" in one for one in texts)


def _of_container(seen: Evidence, file: str, env: Env) -> Iterator[Found]:
    """Variables that a service of compose gets, and what it makes of them."""
    name = file.rpartition("/")[2].lower()
    if not (name.endswith((".yml", ".yaml")) and "compose" in name):
        return
    text = (seen.project / file).read_text("utf-8", "replace")
    apart = _REDIS.search(text) and not _HOST_NET.search(text)
    for key, (value, line) in env.items():
        if apart and _LOCAL.match(value):
            yield Found(
                "redis-server-not-running",
                f"nothing listens at {value}",
                (file, line),
                RANK,
                READ,
                "the name of the service with Redis as the host",
                "In a container localhost is that container itself.",
            )
        bare = re.fullmatch(r"[\w.-]+:\d+(/\d+)?", value)
        if bare and key in _names_layers(seen):
            yield Found(
                "redis-url-without-scheme",
                "Redis URL must specify one of the following schemes",
                (file, line),
                RANK,
                READ,
                f"redis://{value}",
            )


def hosts_given(seen: Evidence, key: str, value: str, place: Place) -> Iterator[Found]:
    """The variable with the hosts, as a container, a unit or ``.env`` gives it."""
    # "https://a.example,b.example:8000"; ${…} is known elsewhere
    wrong = re.search(r"://|(?<!\{)\b[\w.-]+:\d+(?:,|\s|$)", value)
    if wrong and "$" not in value and key in names_hosts(seen):
        yield Found(
            "origin-allowed-hosts-with-scheme-or-port",
            f"{key} is {value!r}",
            place,
            RANK,
            READ,
            "the plain names under which the site is visited",
        )


def _names_layers(seen: Evidence) -> set[str]:
    """The names that stand for a whole host in a list of hosts."""
    return {
        str(getattr(node, "id", None) or getattr(node, "value", ""))
        for module in seen.source.modules.values()
        if "CHANNEL_LAYERS" in {*module.lines, *module.changed}
        for layers in (*module.values.get("CHANNEL_LAYERS", []), *_by_parts(module))
        for held in walk(layers)
        if isinstance(held, ast.List)
        for one in held.elts
        if not isinstance(one, ast.JoinedStr)
        for node in [one, *walk(one)]
        if isinstance(node, (ast.Name, ast.Constant))
    }


def _by_parts(module: Module) -> Iterator[ast.expr]:
    """``CHANNEL_LAYERS["default"] = {…}``: what is put there later."""
    for node in walk(module.tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            target: ast.expr = node.targets[0]
            while isinstance(target, ast.Subscript):
                target = target.value
            if getattr(target, "id", "") == "CHANNEL_LAYERS":
                yield node.value


def names_hosts(seen: Evidence) -> set[str]:
    """The texts in what ALLOWED_HOSTS is made of: a variable's name is one of them."""
    return {
        node.value
        for module in seen.source.modules.values()
        for value in module.values.get("ALLOWED_HOSTS", [])
        if not re.search("urlparse|urlsplit|hostname|partition", ast.unparse(value))
        for node in walk(value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
