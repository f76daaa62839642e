"""How a channel layer is configured in the source: its hosts, and its keys."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
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
_HOSTS = ("host", "hosts", "url", "location", "options")
_FILLS = ("append", "extend", "insert")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _own_keys(seen)
    yield from _one_host(seen)


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
                if _is_text(Frame(body(module)), value):
                    yield Found(
                        "redis-encryption-keys-is-text",
                        "symmetric_encryption_keys must be a list of possible keys",
                        (module.file, value.lineno),
                        RANK - 1,
                        "reading CHANNEL_LAYERS",
                        "a list: [key]",
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
                yield from _beside(module, node)
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


def _beside(module: Module, node: ast.AST) -> Iterator[Found]:
    """Hosts of Redis that stand beside the backend, where no layer looks."""
    keys = [getattr(key, "value", "") for key in getattr(node, "keys", [])]
    strange = [key for key in keys if str(key).lower() in _HOSTS]
    if isinstance(node, ast.Dict) and "BACKEND" in keys and strange:
        if not any(
            "channels_redis" in str(getattr(v, "value", "")) for v in node.values
        ):
            return
        yield Found(
            "settings-channel-layer-config-unknown",
            f"no layer reads {strange[0]!r} here, and it asks localhost",
            (module.file, node.lineno),
            RANK,
            "reading CHANNEL_LAYERS",
            "'CONFIG': {'hosts': [...]}",
        )


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
        if isinstance(one, ast.Name | ast.Attribute | ast.Call):
            where, value = unfold(frame, one)
            if value is not one and _is_new(where, value, depth + 1):
                return True
        if any(_is_new(*part, depth + 1) for part in _bound(frame, one)):
            return True
    return False


def _bound(frame: Frame, node: ast.AST) -> Iterator[tuple[Frame, ast.expr]]:
    """The one value of a name of a module, and what it is filled with.

    What Django keeps secret is told to every process, whatever stands in for it here.
    """
    module, name = frame.module, getattr(node, "id", "")
    if isinstance(node, ast.Attribute):  # keys.CHANNELS
        held = module.resolve(node.value, frame.function) or ""
        module, name = module.source.modules.get(held, module), node.attr
        if module is frame.module:
            return
    elif name in module.names:
        path, _, name = module.names[name].rpartition(".")
        module = module.source.modules.get(path, module)
    elif name not in module.values:
        module = next((one for one in _stars(module) if name in one.values), module)
    given = module.values.get(name, [])
    if len(given) != 1 or name == "SECRET_KEY":
        return
    yield from ((Frame(body(module)), one) for one in _plainly(given[0]))
    for call in (one for one in walk(module.tree) if isinstance(one, ast.Call)):
        held = getattr(getattr(call.func, "value", None), "id", "")
        if held == name and getattr(call.func, "attr", "") in _FILLS:
            yield from ((Frame(body(module)), one) for one in call.args)


def _stars(module: Module, depth: int = 0) -> Iterator[Module]:
    """The modules from which one takes all: as settings of production do."""
    for star in reversed(module.stars) if depth < DEEP else ():
        if (found := module.source.modules.get(star)) is not None:
            yield found
            yield from _stars(found, depth + 1)


def _plainly(value: ast.expr) -> Iterator[ast.expr]:
    """A value that is no other one's stand-in: ``os.environ.get(…, token_hex())``."""
    asked = isinstance(value, ast.Call) and len(value.args) + len(value.keywords) > 1
    if not asked and not isinstance(value, ast.BoolOp | ast.IfExp):
        yield value
