"""The channel layers, as the settings configure them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, last_line
from tutor.doctor.rules.project import backends
from tutor.doctor.rules.project.settings import like
from tutor.doctor.source import Module
from tutor.doctor.source.flow import DEEP, Frame, body, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import own_nodes, walk

RANK = 22
KEYS = "symmetric_encryption_keys"
# What gives another value in each process.
NEW = (
    *("secrets.token_", "secrets.choice", "os.urandom", "uuid.uuid1", "uuid.uuid4"),
    *("random.", "cryptography.fernet.Fernet.generate_key", "os.getpid", "time.time"),
    *("django.core.management.utils.get_random_secret_key", "secrets.randbits"),
    "django.utils.crypto.get_random_string",
)


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.settings:
        return
    yield from _own_keys(seen)
    yield from _one_host(seen)
    yield from backends.rules(seen)
    layers = seen.settings.get("layers")
    place = seen.setting("CHANNEL_LAYERS")
    tried, expected = "building the channel layer", "a channel layer named default"
    if not layers:
        yield from no_layers(seen, tried, expected)
        return
    if not isinstance(layers, dict):
        yield Found(
            "settings-channel-layers-flat",
            f"CHANNEL_LAYERS = {layers!r}",
            place,
            RANK,
            tried,
            expected,
            "It is a list or a tuple: a comma behind the last bracket makes one.",
        )
        return
    if "default" not in layers:
        flat = any(key.upper() in ("BACKEND", "CONFIG") for key in layers)
        slug = (
            "settings-channel-layers-flat"
            if flat
            else "settings-channel-layers-no-default"
        )
        if flat or uses_layer(seen) or len(layers) == 1:
            got = f"CHANNEL_LAYERS has {', '.join(layers)}"
            yield Found(slug, got, place, RANK, tried, expected)
        return
    if not isinstance(layers["default"], dict):
        slug, got = "settings-channel-layers-flat", f"default is {layers['default']!r}"
        yield Found(slug, got, place, RANK, tried, expected)
        return
    if _is_bare(layers["default"]):
        got = "Redis URL must specify one of the following schemes"
        slug = "redis-hosts-is-a-bare-tuple"
        yield Found(slug, got, place, RANK, tried, expected)
        return
    for event in seen.look.all("layer"):
        if event["error"]:
            yield Found(
                error(layers.get(event["alias"]), event["error"]),
                last_line(event["error"][:1]),
                place,
                RANK,
                tried,
                expected,
            )
            return


def _own_keys(seen: Evidence) -> Iterator[Found]:
    """Keys that each process makes for itself: none reads what another one sends."""
    for module in seen.source.modules.values():
        if KEYS not in module.text or is_aside(module.file):
            continue
        for node in walk(module.tree):
            for value in _under(node, KEYS):
                if _is_new(Frame(body(module)), value):
                    yield Found(
                        "redis-encryption-keys-differ",
                        "cryptography.fernet.InvalidToken",
                        (module.file, value.lineno),
                        RANK,
                        "reading CHANNEL_LAYERS",
                        "the same keys in every process, such as from the environment",
                    )
                    return


def _one_host(seen: Evidence) -> Iterator[Found]:
    """One text for the hosts of Redis, in a branch that only production takes, too."""
    functions = [*seen.source.all_functions()]
    modules = [
        module
        for module in seen.source.modules.values()
        if "channels_redis" in module.text and not is_aside(module.file)
    ]
    for module in modules:
        inner = [one for one in functions if one.module is module]
        for function in [body(module), *inner]:
            for node in own_nodes(function.node):
                for config in _under(node, "CONFIG"):
                    yield from _like_hosts(module, config)
                    for hosts in _under_one(config, "hosts"):
                        if _is_address(Frame(function), hosts):
                            yield Found(
                                "redis-hosts-is-a-bare-tuple",
                                "Redis URL must specify one of the following schemes",
                                (module.file, hosts.lineno),
                                RANK,
                                "reading CHANNEL_LAYERS",
                                "a list of hosts: [(host, port)]",
                            )
                            return
                        frames = seen.sites.frames(function)
                        if any(_is_text(frame, hosts) for frame in frames):
                            yield Found(
                                "redis-hosts-is-a-string",
                                "You must pass a list of Redis hosts",
                                (module.file, hosts.lineno),
                                RANK,
                                "reading CHANNEL_LAYERS",
                                "a list of hosts: [...]",
                            )
                            return


def _like_hosts(module: Module, config: ast.expr) -> Iterator[Found]:
    """``host`` for ``hosts``: the pub/sub layer takes any word, and asks localhost."""
    keys = [getattr(key, "value", "") for key in getattr(config, "keys", [])]
    strange = [key for key in keys if str(key).lower() in ("host", "hosts", "url")]
    if "hosts" not in keys and strange:
        yield Found(
            "settings-channel-layer-config-unknown",
            f"no layer reads {strange[0]!r}",
            (module.file, config.lineno),
            RANK,
            "reading CHANNEL_LAYERS",
            "'hosts': [...]",
        )


def _under_one(node: ast.expr, key: str) -> Iterator[ast.expr]:
    """What a dictionary that is written out has under a key."""
    yield from _under(node, key)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
        yield from (word.value for word in node.keywords if word.arg == key)


def _is_address(frame: Frame, node: ast.expr) -> bool:
    """Whether an expression is a host and its port, where a list of them belongs."""
    where, found = unfold(frame, node)
    parts = found.elts if isinstance(found, ast.Tuple | ast.List) else []
    return (
        len(parts) == 2
        and _is_number(*unfold(where, parts[1]))
        and not _is_number(*unfold(where, parts[0]))
    )


def _is_number(frame: Frame, node: ast.expr) -> bool:
    """Whether an expression is a number: written out, or made one."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    name = frame.module.resolve(node, frame.function) or ""
    return name == "builtins.int()" or name.endswith("env.int()")


def _is_text(frame: Frame, node: ast.expr) -> bool:
    """Whether an expression is one text: written out, or of the environment."""
    where, found = unfold(frame, node)
    if isinstance(found, ast.JoinedStr):
        return True
    if isinstance(found, ast.Constant):
        return isinstance(found.value, str)
    if isinstance(found, ast.BoolOp):
        return all(_is_text(where, one) for one in found.values)
    named = found.value if isinstance(found, ast.Subscript) else found
    name = where.module.resolve(named, where.function) or ""
    return name in ("os.environ.get()", "os.getenv()") or (
        isinstance(found, ast.Subscript) and name == "os.environ"
    )


def _under(node: ast.AST, key: str) -> Iterator[ast.expr]:
    """What stands under a key, however the dictionary is written."""
    if isinstance(node, ast.Dict):
        for name, value in zip(node.keys, node.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                yield value
    elif isinstance(node, ast.keyword) and node.arg == key:
        yield node.value
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            held = target.slice if isinstance(target, ast.Subscript) else None
            if isinstance(held, ast.Constant) and held.value == key:
                yield node.value


def _is_new(frame: Frame, node: ast.expr, depth: int = 0) -> bool:
    """Whether an expression is worth something else each time it is read."""
    if depth > DEEP:
        return False
    where, found = unfold(frame, node)
    if found is not node:
        return _is_new(where, found, depth + 1)
    for one in [node, *walk(node)]:
        if isinstance(one, ast.Call):
            name = frame.module.resolve(one.func, frame.function) or ""
            if name.startswith(NEW):
                return True
        elif isinstance(one, ast.Name) and one is not node:
            where, value = unfold(frame, one)
            if value is not one and _is_new(where, value, depth + 1):
                return True
    return False


def error(layer: Any, links: list[dict[str, Any]]) -> str | None:
    text = " ".join(link["text"] for link in links)
    backend = str(layer.get("BACKEND", "")) if isinstance(layer, dict) else ""
    if "No BACKEND specified" in text or not backend:
        return "settings-channel-layer-backend-lowercase"
    if "ROUTING key found" in text:
        return "settings-channel-layer-v1-backends"
    if "Cannot import BACKEND" in text:
        if backend.startswith("asgi_redis") or (
            backend.startswith("asgi") and "ChannelLayer" in backend
        ):
            return "settings-channel-layer-v1-backends"
        if "No module named 'channels_redis'" in text:
            return "redis-package-missing"
        return "settings-channel-layer-backend-typo"
    if "has no attribute 'rsplit'" in text:  # the class itself, and no text
        return "settings-channel-layer-backend-typo"
    if "unexpected keyword argument" in text:
        if "InMemory" in backend and "'hosts'" in text:
            return "settings-inmemory-layer-with-hosts"
        return "settings-channel-layer-config-unknown"
    if "list of Redis hosts" in text:
        return "redis-hosts-is-a-string"
    if "Redis URL must specify" in text:
        return "redis-url-without-scheme"
    return None


def _is_bare(layer: Any) -> bool:
    """Whether the hosts of a layer are one host and its port: ``("127.0.0.1", 6379)``.

    Which of the two the layer then takes for a URL, and so what it says, varies.
    """
    config = layer.get("CONFIG") if isinstance(layer, dict) else None
    hosts = config.get("hosts") if isinstance(config, dict) else None
    return isinstance(hosts, list) and any(isinstance(host, int) for host in hosts)


def uses_layer(seen: Evidence) -> bool:
    """Whether any code of the project asks for a channel layer."""
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if isinstance(node, ast.Attribute) and node.attr in (
                "channel_layer",
                "group_send",
            ):
                return True
            if isinstance(node, ast.Call) and (
                function.module.resolve(node.func, function)
                == "channels.layers.get_channel_layer"
            ):
                return True
    return any("groups" in one.attributes for one in seen.source.consumers())


def no_layers(seen: Evidence, tried: str, expected: str) -> Iterator[Found]:
    other = like(seen, "CHANNEL_LAYERS")
    if other:
        got = "get_channel_layer() returns None"
        hint = f"The settings have {other}, which nobody reads."
        yield Found(
            "settings-channel-layer-singular",
            got,
            seen.setting(other),
            RANK,
            tried,
            expected,
            hint,
        )
    elif uses_layer(seen) or seen.aim >= 3:
        place = seen.setting_file("ASGI_APPLICATION", "INSTALLED_APPS"), None
        yield Found(
            "settings-channel-layers-missing",
            "get_channel_layer() returns None",
            place,
            RANK,
            tried,
            expected,
        )
