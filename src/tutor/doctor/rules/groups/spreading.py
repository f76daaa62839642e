"""Events that are to leave a process, and that a layer in memory keeps inside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor.commands import commands, files
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment.places import layers_there
from tutor.doctor.rules.deployment.served import serves_sockets
from tutor.doctor.rules.found import TRIED, Found
from tutor.doctor.rules.groups import packed
from tutor.doctor.rules.groups.packed import DEEP, RANK
from tutor.doctor.rules.groups.receivers import stores_what_is_told
from tutor.doctor.services import replaced, services, started
from tutor.doctor.source import Function, Module, calls, known
from tutor.doctor.source.flow import body
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.startfiles import is_image

MEMORY = "channels.layers.InMemoryChannelLayer"
TASKS = ("celery.shared_task", "celery.app.shared_task", "django_rq.job")
ACTORS = ("dramatiq.actor", "huey.contrib.djhuey.task", "huey.contrib.djhuey.db_task")
QUEUES = ("delay", "apply_async", "send")
FOLDERS = ("", "deploy", "deployment", "docker", "ops", "infra", "scripts", "conf")
FILES = ("Procfile*", "*.conf", "*.service", "*.sh", "*.yml", "*.yaml")
BIG = 100_000
SEVERAL = (
    r"\b(?:uvicorn|hypercorn|granian|gunicorn)\b[^\n]*asgi[^\n]*"
    r"\s(?:--workers[ =]|-w[ =]?)[\"']?(?:\$\{\w+:?-)?(\d+)",
    r"\b(?:uvicorn|hypercorn|granian|gunicorn)\b[^\n]*"
    r"\s(?:--workers[ =]|-w[ =]?)[\"']?(?:\$\{\w+:?-)?(\d+)[^\n]*asgi",
    r"\bdaphne\b(?s:.*?)^\s*numprocs\s*=\s*(\d+)",
    r"^\s*numprocs\s*=\s*(\d+)(?s:.*?)\bdaphne\b",
)


def rules(seen: Evidence) -> Iterator[Found]:
    if _only_in_memory(seen):
        yield from _another_process(seen)
        if said := several(seen):
            yield Found(
                "layer-inmemory-several-processes",
                f"{said}, each with its own layer",
                layers_there(seen),
                RANK,
                TRIED,
                "a layer that several processes share",
            )
    if any("channels_redis" in text for text in backends(seen)):
        yield from packed.rules(seen)


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
        for statement in _in_force(module)
        for node in walk(statement)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[\w.]+\.\w*Layer", node.value)
    }


def _in_force(module: Module) -> list[ast.stmt]:
    """The statements from the last one on that sets the layers, whatever was before.

    All of them, where what it says depends on anything.
    """
    body = module.tree.body
    given = module.values.get("CHANNEL_LAYERS", [])
    plain = (ast.Dict, ast.List, ast.Tuple, ast.Constant, ast.expr_context)
    for index in reversed(range(len(body))):
        value = getattr(body[index], "value", None)
        if value in given:
            fixed = all(isinstance(node, plain) for node in walk(value))
            return body[index:] if fixed else body
    return body


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
        task = is_task(function)
        eager = "CELERY_TASK_ALWAYS_EAGER" in (seen.settings.get("names") or [])
        if (command or (task and not eager)) and (
            _tells(function) or stores_what_is_told(seen, function, _tells)
        ):
            yield _unheard(seen, function.module)
            return
    for one in seen.source.modules.values():
        made = [call for node in program(one) for call in calls.calls(node)]
        if ".receive(" in one.text:
            continue  # it is the other side, too
        if not is_aside(one.file) and any(tells(call, body(one)) for call in made):
            yield _unheard(seen, one)
            return


def _unheard(seen: Evidence, module: Module) -> Found:
    return Found(
        "layer-inmemory-from-another-process",
        f"what {module.file} sends reaches nobody",
        layers_there(seen),
        RANK,
        TRIED,
        "a layer that several processes share",
    )


def program(module: Module) -> list[ast.If]:
    """What a file does that is started by its name, as a process of its own."""
    return [
        node
        for node in module.tree.body
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and ast.unparse(node.test.left) == "__name__"
    ]


def is_task(function: Function) -> bool:
    """Whether a worker runs it, in a process of its own."""
    return any(
        name in (*TASKS, *ACTORS) or re.fullmatch(r"(.*\.)?\w*Celery\(\)\.task", name)
        for name in function.decorators()
    )


def asks_a_worker(call: ast.Call, function: Function) -> bool:
    """Whether a call puts a task of the project's into the queue at once."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in QUEUES:
        return False
    name = function.module.resolve(call.func.value, function) or ""
    task = function.module.source.functions.get(name)
    return task is not None and is_task(task)


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


def several(seen: Evidence) -> str:
    """What starts the server more than once; empty if nothing does."""
    for path, text in _deployed(seen):
        for pattern in SEVERAL:
            match = re.search(pattern, text, re.M)
            if match and int(match[1]) > 1:
                return f"{path.name} starts {match[1]} processes"
    told = [one for one in commands(seen.project) if serves_sockets(one)]
    for command in told:
        number = re.match(r"\$?\{?\w*:?-?(\d+)", command.value("--workers", "-w") or "")
        if number and int(number[1]) > 1:
            return f"{Path(command.file).name} starts {number[1]} processes"
    for one in services(seen.project):
        if one.copies > 1 and started(one, told):
            return f"{one.file} starts {one.name} {one.copies} times"
    return ""


def _deployed(seen: Evidence) -> Iterator[tuple[Path, str]]:
    idle = replaced(seen.project, commands(seen.project))
    images = [
        path
        for path in files(seen.project)
        if is_image(path.name) and path.relative_to(seen.project).as_posix() not in idle
    ]
    others = [
        path
        for base in dict.fromkeys((seen.home, seen.project))
        for name in FOLDERS
        for pattern in FILES
        for path in sorted((base / name).glob(pattern))
    ]
    for path in (*others, *images):
        with suppress(OSError):
            if path.is_file() and path.stat().st_size < BIG:
                # The words of a list in brackets stand apart, as in a shell.
                text = path.read_text("utf-8", "replace")
                yield path, re.sub(r"""["'],\s*["']""", " ", text)
