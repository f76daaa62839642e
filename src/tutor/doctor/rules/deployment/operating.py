"""What runs for a year: probes, metrics, logs, and the end of a process."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator

from tutor.doctor.commands import SERVERS
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import written
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.groups.spreading import program
from tutor.doctor.source import Class, Function, Module, calls
from tutor.doctor.source.flow import Frame, each
from tutor.doctor.source.walking import walk

RANK = 62
METRICS = tuple(
    f"prometheus_client.{module}{name}"
    for module in ("", "metrics.")
    for name in ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
)
LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")
TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
PROBES = ("health", "ready", "alive", "live", "ping")
# These look at the host or at the scheme, and answer what they don't like.
DOORS = (
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.all_functions():
        yield from _registered_twice(function)
        yield from _taken_names(function)
        yield from _by_address(function)
    yield from _keeps_the_signal(seen)
    yield from _behind_doors(seen)


def _registered_twice(function: Function) -> Iterator[Found]:
    """A metric has one name in a process, so it is made once."""
    for call in calls.calls(function.node):
        registry = any(word.arg == "registry" for word in call.keywords)
        if calls.name_of(call, function) in METRICS and not registry:
            yield Found(
                "operate-metric-made-in-a-function",
                "Duplicated timeseries in CollectorRegistry",
                at(function, call),
                53,  # a handler that waits may only wait for what this has ended
                TRIED,
                "a metric made once, at the top of a module",
            )


def _taken_names(function: Function) -> Iterator[Found]:
    """What goes into ``extra`` becomes attributes of the record."""
    for call in calls.calls(function.node):
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in LEVELS:
            continue
        for word in call.keywords:
            if word.arg != "extra":
                continue
            for key in written(word.value, function) or ():
                if key in TAKEN:
                    yield Found(
                        "operate-log-fact-overwrites-the-record",
                        f"KeyError: Attempt to overwrite {key!r} in LogRecord",
                        at(function, call),
                        RANK - 10,
                        TRIED,
                        "a name that no record of a log has",
                    )


def _by_address(function: Function) -> Iterator[Found]:
    """A view for whoever asks from this machine."""
    if function.owner is not None and function.owner.kind:
        return
    for node in walk(function.node):
        if isinstance(node, ast.Compare):
            sides, near = [node.left, *node.comparators], False
        elif isinstance(node, ast.Attribute) and node.attr in (
            "is_loopback",
            "is_private",
        ):
            sides, near = [node.value], True
        else:
            continue
        names = {
            one.id for side in sides for one in walk(side) if isinstance(one, ast.Name)
        }
        given = [value for name in names for value in function.values.get(name, [])]
        constants = {
            leaf.value
            for side in (*sides, *given)
            for leaf in walk(side)
            if isinstance(leaf, ast.Constant)
        }
        if "REMOTE_ADDR" in constants and (near or constants & {*LOOPBACK}):
            yield Found(
                "operate-trusts-the-address",
                "behind a proxy everybody comes from this machine",
                at(function, node),
                RANK,
                TRIED,
                "a login, or a token",
            )


def _keeps_the_signal(seen: Evidence) -> Iterator[Found]:
    """A handler of SIGTERM in place of the server's own, which is never called."""
    for module in seen.source.modules.values():
        functions = [f for f in seen.source.all_functions() if f.module is module]
        for function in functions:
            for call in calls.calls(function.node):
                if not _takes_sigterm(call, function):
                    continue
                if (wrong := _refuses(call, function)) is not None:
                    yield Found(
                        "operate-sigterm-is-not-handed-on",
                        f"{wrong} 0 positional arguments but 2 were given",
                        at(function, call.args[1]),
                        RANK,
                        TRIED,
                        "a handler that takes the number and the frame",
                    )
                    continue
                kept = _kept(module.tree, function)
                if not kept and not _in_own_process(seen, function):
                    yield Found(
                        "operate-sigterm-is-not-handed-on",
                        "the server gets SIGTERM and goes on",
                        at(function, call),
                        RANK,
                        TRIED,
                        "the handler that was there before is called in the end",
                    )


def _in_own_process(seen: Evidence, function: Function) -> bool:
    """Whether only a command or a script runs it, in a process without a server."""
    asked = [function]
    for one in asked:  # it grows
        asked += [two for two in seen.sites.callers(one) if two not in asked]
    ends = {one.module.name: one.module for one in asked if _is_program(one.module)}
    return bool(ends) and not any(
        name.partition(".")[0] in SERVERS
        for module in ends.values()
        for name in module.names.values()
    )


def _is_program(module: Module) -> bool:
    """Whether a module is started by its name: a command of Django, or a script."""
    named = ".management.commands." in f".{module.name}"
    return named or bool(program(module))


def _takes_sigterm(call: ast.Call, function: Function) -> bool:
    name = calls.name_of(call, function)
    if not (name == "signal.signal" or name.endswith(".add_signal_handler")):
        return False
    given = call.args[:1]
    parts = [one for _, one in each(Frame(function), given[0])] if given else []
    named = [function.module.resolve(one, function) for one in parts or given]
    return "signal.SIGTERM" in named


def _refuses(call: ast.Call, function: Function) -> str | None:
    """Who is to hear a signal, and does not take what Python calls it with."""
    if calls.name_of(call, function) != "signal.signal" or len(call.args) < 2:
        return None
    heard, name = call.args[1], "<lambda>() takes"
    given = heard.args if isinstance(heard, ast.Lambda) else None
    target = calls.target_of(ast.Call(heard, [], []), function)
    if given is None and target is not None and target.owner is None:
        given, name = target.node.args, f"{target.name}() takes"
    if given is None or given.vararg or given.args or given.posonlyargs:
        return None
    return name


def _kept(tree: ast.Module, function: Function) -> bool:
    """Whether what a signal meant before is kept under a name that is called."""
    kept: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            where = function.module.resolve(node.value.func, function)
            if where in ("signal.getsignal", "signal.signal"):
                kept |= {ast.unparse(target) for target in node.targets}
    ends = {"os._exit", "sys.exit", "os.kill", "exit", "signal.raise_signal"}
    return any(
        isinstance(node, ast.Call)
        and (
            ast.unparse(node.func) in kept | ends
            or any(ast.unparse(one) in kept for one in node.args)
        )
        and ast.unparse(node.func) != "callable"
        for node in walk(tree)
    )


def _behind_doors(seen: Evidence) -> Iterator[Found]:
    """A probe comes by an address, and is refused before it is answered."""
    chain = [str(name) for name in seen.settings.get("middleware") or []]
    doors = [number for number, name in enumerate(chain) if name in DOORS]
    for number, name in enumerate(chain):
        one = seen.source.classes.get(name)
        if one is not None and doors and doors[0] < number and _answers_probes(one):
            yield Found(
                "operate-probe-behind-the-host-check",
                "400 Bad Request for a probe that names no host of ours",
                seen.setting("MIDDLEWARE"),
                RANK,
                TRIED,
                f"{one.name} before {chain[doors[0]].rpartition('.')[2]}",
            )


def _answers_probes(one: Class) -> bool:
    """Whether a middleware answers a path such as ``/healthz/`` itself."""
    return any(
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("/")
        and any(word in node.value for word in PROBES)
        for method in one.methods.values()
        for node in walk(method.node)
    )
