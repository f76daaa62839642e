"""Events that leave a process: a layer in memory keeps them, Redis packs them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tutor.doctor.commands import commands
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.consumers.written import holds_models, written
from tutor.doctor.rules.database import fields
from tutor.doctor.rules.deployment.places import layers_there
from tutor.doctor.rules.deployment.served import serves_sockets
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.rules.groups.groupnames import given
from tutor.doctor.rules.groups.groups import called_by
from tutor.doctor.rules.groups.receivers import stores_what_is_told
from tutor.doctor.services import services, started
from tutor.doctor.source import Function, Module, calls, known, typed
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 66
DEEP = 8
MEMORY = "channels.layers.InMemoryChannelLayer"
TASKS = ("celery.shared_task", "celery.app.shared_task", "django_rq.job")
ACTORS = ("dramatiq.actor", "huey.contrib.djhuey.task", "huey.contrib.djhuey.db_task")
FOLDERS = ("", "deploy", "deployment", "docker", "ops", "infra", "scripts", "conf")
FILES = ("Procfile*", "*.conf", "*.service", "*.sh", "*.yml", "*.yaml", "Dockerfile*")
BIG = 100_000
SEVERAL = (
    r"\b(?:uvicorn|hypercorn|granian|gunicorn)\b[^\n]*asgi[^\n]*"
    r"\s(?:--workers[ =]|-w[ =]?)[\"']?(?:\$\{\w+:?-)?(\d+)",
    r"\b(?:uvicorn|hypercorn|granian|gunicorn)\b[^\n]*"
    r"\s(?:--workers[ =]|-w[ =]?)[\"']?(?:\$\{\w+:?-)?(\d+)[^\n]*asgi",
    r"\bdaphne\b(?s:.*?)^\s*numprocs\s*=\s*(\d+)",
    r"^\s*numprocs\s*=\s*(\d+)(?s:.*?)\bdaphne\b",
)
# What msgpack does not pack.
UNPACKED = (
    *("datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta"),
    *("decimal.Decimal", "uuid.UUID", "uuid.uuid1", "uuid.uuid4", "uuid.uuid5"),
    *("django.utils.timezone.now", "django.utils.timezone.localtime"),
    *("django.utils.timezone.localdate", "builtins.set", "builtins.frozenset"),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    *("datetime.datetime.fromtimestamp", "datetime.date.today"),
    "django.db.models.Model",
)
KEEPING = ("builtins.round", "builtins.abs")  # give what is like they are given
NUMBERS = ("pk", "id")  # of a model: what a dictionary is keyed by, often


def rules(seen: Evidence) -> Iterator[Found]:
    if _only_in_memory(seen):
        yield from _another_process(seen)
        yield from [*_several_processes(seen), *_copies(seen)][:1]
    if any("channels_redis" in text for text in backends(seen)):
        for function, node in _events(seen):
            yield from _packed(function, node)


def configuring(seen: Evidence) -> list[Module]:
    """The modules that say which layers there are."""
    return [
        module
        for module in seen.source.modules.values()
        if "CHANNEL_LAYERS" in {*module.lines, *module.changed}
        and not is_aside(module.file)
    ]


def backends(seen: Evidence) -> set[str]:
    """The backends that the settings name, whichever is chosen in the end."""
    return {
        node.value
        for module in configuring(seen)
        for node in walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[\w.]+\.\w*Layer", node.value)
    }


def _only_in_memory(seen: Evidence) -> bool:
    """Whether the settings can choose nothing but the layer in memory."""
    layers = seen.settings.get("layers")
    layer = layers.get("default") if isinstance(layers, dict) else None
    backend = layer.get("BACKEND") if isinstance(layer, dict) else ""
    return (
        backend == MEMORY
        and backends(seen) == {MEMORY}
        and not any(
            isinstance(node, ast.Subscript | ast.Attribute)
            for module in configuring(seen)
            for value in module.values.get("CHANNEL_LAYERS", [])
            for node in walk(value)
        )
    )


def _another_process(seen: Evidence) -> Iterator[Found]:
    """A command or a task that tells a group, from a process of its own."""
    called = _words(seen)
    for function in seen.source.all_functions():
        module = function.module.name
        command = ".management.commands." in f".{module}"
        if command and module.rpartition(".")[2] in called:
            continue  # the server's own process calls it
        task = any(
            name in (*TASKS, *ACTORS)
            or re.fullmatch(r"(.*\.)?\w*Celery\(\)\.task", name)
            for name in function.decorators()
        )
        eager = "CELERY_TASK_ALWAYS_EAGER" in (seen.settings.get("names") or [])
        if (command or (task and not eager)) and (
            _tells(function) or stores_what_is_told(seen, function, _tells)
        ):
            yield Found(
                "layer-inmemory-from-another-process",
                f"what {function.module.file} sends reaches nobody",
                layers_there(seen),
                RANK,
                TRIED,
                "a layer that several processes share",
            )
            return


def _words(seen: Evidence) -> set[str]:
    """The commands that the project calls itself."""
    return {
        str(call.args[0].value)
        for function in seen.source.all_functions()
        for call in calls.calls(function.node)
        if calls.name_of(call, function).endswith(".call_command")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def _tells(function: Function, depth: int = 0) -> bool:
    """Whether a function sends to a group, itself or through what it calls."""
    return any(
        tells(call, function, depth)
        or any(
            _leads_to_a_group(one, function, depth)
            for one in call.args
            if not isinstance(one, ast.Lambda)
        )
        for call in calls.calls(function.node)
    )


def tells(call: ast.Call, function: Function, depth: int = 0) -> bool:
    """Whether a call sends to a group, itself or through what it runs."""
    what: ast.expr = call.func
    if calls.inner_call(call, function) == known.TO_SYNC and isinstance(what, ast.Call):
        what = what.args[0] if what.args else what
    return _leads_to_a_group(what, function, depth)


def _leads_to_a_group(node: ast.expr, function: Function, depth: int) -> bool:
    """Whether what an expression names sends to a group."""
    name = function.module.resolve(node, function) or ""
    if calls.is_layer(name) and name.endswith((".group_send", ".send")):
        return True
    target = function.module.source.functions.get(name.removesuffix("()"))
    if target is None and name.startswith("self.") and function.owner:
        target = function.owner.method(name[5:].removesuffix("()"))
    inner = target is not None and target is not function and depth < DEEP
    return bool(target and inner and _tells(target, depth + 1))


def _several_processes(seen: Evidence) -> Iterator[Found]:
    """A file that starts the server more than once."""
    for path, text in _deployed(seen):
        for pattern in SEVERAL:
            match = re.search(pattern, text, re.M)
            if match and int(match[1]) > 1:
                yield Found(
                    "layer-inmemory-several-processes",
                    f"{path.name} starts {match[1]} processes, each with its own layer",
                    layers_there(seen),
                    RANK,
                    TRIED,
                    "a layer that several processes share",
                )
                return


def _copies(seen: Evidence) -> Iterator[Found]:
    """A service of compose that serves sockets, and is started several times."""
    told = [one for one in commands(seen.project) if serves_sockets(one)]
    for one in services(seen.project):
        if one.copies > 1 and started(one, told):
            yield Found(
                "layer-inmemory-several-processes",
                f"{one.file} starts {one.name} {one.copies} times, each with its layer",
                layers_there(seen),
                RANK,
                TRIED,
                "a layer that several processes share",
            )
            return


def _deployed(seen: Evidence) -> Iterator[tuple[Path, str]]:
    for base in dict.fromkeys((seen.home, seen.project)):
        for name in FOLDERS:
            for pattern in FILES:
                for path in sorted((base / name).glob(pattern)):
                    try:
                        if path.is_file() and path.stat().st_size < BIG:
                            yield path, path.read_text("utf-8", "replace")
                    except OSError:
                        continue


def _events(seen: Evidence) -> Iterator[tuple[Function, ast.expr]]:
    """The messages that are given to a layer."""
    for function, call in sending_events(seen):
        message = given(call, 1, "message")
        if message is not None:
            yield function, message


def sending_events(seen: Evidence) -> Iterator[tuple[Function, ast.Call]]:
    """The calls that give a layer a message."""
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            func = called_by(call, function)
            if (
                name == f"{known.TO_SYNC}()"
                and isinstance(func, ast.Call)
                and func.args
            ):
                name = function.module.resolve(func.args[0], function) or ""
            sends = name.rpartition(".")[2] in ("group_send", "send")
            if calls.is_layer(name) and sends:
                yield function, call


def _packed(function: Function, node: ast.expr) -> Iterator[Found]:
    for slug, place, got, expected in _strange(function, node, 0):
        # Before the crash of whoever hands on what came: the event is the cause.
        odd = any(f" {name.removeprefix('builtins.')}()" in got for name in UNPACKED)
        yield Found(slug, got, place, RANK - 17 if odd else RANK, TRIED, expected)
        return


def _strange(
    function: Function, node: ast.expr | None, depth: int
) -> Iterator[tuple[str, Place, str, str]]:
    """What a message holds that Redis does not give back as it was."""
    if node is None or depth > DEEP:
        return
    place = at(function, node)
    if isinstance(node, ast.Dict | ast.DictComp):
        keys = node.keys if isinstance(node, ast.Dict) else [node.key]
        values = node.values if isinstance(node, ast.Dict) else [node.value]
        if any(_is_number(key, function) for key in keys):
            yield _keyed(place)
        for value in values:
            yield from _strange(function, value, depth + 1)
    elif isinstance(node, ast.List | ast.Tuple):
        for value in node.elts:
            yield from _strange(function, value, depth + 1)
    elif isinstance(node, ast.Set | ast.SetComp):
        yield _unpacked("set", place)
    elif isinstance(node, ast.Name):
        yield from _named(function, node.id, depth)
    elif isinstance(node, ast.Await):
        yield from _strange(function, node.value, depth)
    elif isinstance(node, ast.Attribute) and fields.held(node, function):
        yield _unpacked(fields.held(node, function), place)
    elif isinstance(node, ast.Call):
        name = calls.name_of(node, function)
        if name in KEEPING and node.args:
            yield from _strange(function, node.args[0], depth + 1)
        if name == "builtins.dict.fromkeys" and _counts(node.args[:1], function):
            yield _keyed(place)
        if name in UNPACKED or holds_models(function.module.source, node, function):
            yield _unpacked(name, place)
            return
        for held in (written(node, function) or {}).values():
            yield from _strange(function, held, depth + 1)
        target = function.module.source.functions.get(name)
        if target is None and name.startswith("self.") and function.owner:
            target = function.owner.method(name[5:])
        for inner in walk(target.node) if target else ():
            if isinstance(inner, ast.Return) and target:
                yield from _strange(target, inner.value, depth + 1)


def _counts(given: list[ast.expr], function: Function) -> bool:
    """Whether what is gone through is numbers."""
    return any(
        isinstance(one, ast.Call) and calls.name_of(one, function) == "builtins.range"
        for one in given
    )


def _named(
    function: Function, name: str, depth: int
) -> Iterator[tuple[str, Place, str, str]]:
    """What a name stands for, and what is put into it later."""
    values = function.values.get(name) or function.module.values.get(name, [])
    if len(values) == 1:
        yield from _strange(function, values[0], depth + 1)
    for where in _sharing(function, name):
        for node in walk(where.node):
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if (
                    isinstance(node, ast.Assign)
                    and isinstance(target, ast.Subscript)
                    and ast.unparse(target.value) == name
                ):
                    if _is_number(target.slice, where) and not _is_list(values):
                        yield _keyed(at(where, target))
                    yield from _strange(where, node.value, depth + 1)


def _sharing(function: Function, name: str) -> list[Function]:
    """Who puts something into what a name stands for: all, if it is a module's."""
    module = function.module
    if name in function.values or name not in module.values:
        return [function]
    return [
        one
        for one in module.source.functions.values()
        if one.module is module and name not in one.values
    ]


def _is_list(values: list[ast.expr]) -> bool:
    """Whether what a number finds is a place, and no key."""
    return any(isinstance(one, ast.List | ast.ListComp) for one in values)


def _keyed(place: Place) -> tuple[str, Place, str, str]:
    got = "int is not allowed for map key when strict_map_key=True"
    return "redis-non-string-dict-keys", place, got, "keys that are text"


def _is_number(key: ast.expr | None, function: Function) -> bool:
    if isinstance(key, ast.Attribute):
        return key.attr in NUMBERS
    return key is not None and typed.type_of(key, function) in ("int", "float", "bool")


def _unpacked(name: str, place: Place) -> tuple[str, Place, str, str]:
    got = f"can not serialize what {name.removeprefix('builtins.')}() gives"
    return "redis-message-not-serialisable", place, got, "text, numbers, lists, dicts"
