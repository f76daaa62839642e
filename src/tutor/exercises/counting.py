"""The check of exercise 9: the learner's test, run on right and on wrong counters.

A test is judged by what it notices.  The learner's module runs again and again with
its class ``Counter`` replaced: by the planted bug, by other wrong ones, by right ones.
Then a test of ours runs on the learner's own ``Counter``.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import types
import unittest
from pathlib import Path
from typing import Any

from tutor import children
from tutor.exercises.answers import NotYet

SECONDS = 45  # for all of it; a test that waits in vain waits for one second

HEAD = """
from channels.generic.websocket import AsyncWebsocketConsumer as _Base
class Counter(_Base):
"""
WRONG = {
    "on which users see numbers that jump": """
    seen = []
    async def receive(self, text_data=None, bytes_data=None):
        self.seen.append(text_data)
        await self.send(str(len(self.seen)))
""",
    "that begins anew for everybody when somebody connects": """
    seen = []
    async def connect(self):
        self.seen.clear()
        await self.accept()
    async def receive(self, text_data=None, bytes_data=None):
        self.seen.append(text_data)
        await self.send(str(len(self.seen)))
""",
    "that always says 1": """
    async def receive(self, text_data=None, bytes_data=None):
        await self.send("1")
""",
}
RIGHT = (
    """
    async def connect(self):
        self.seen = []
        await self.accept()
    async def receive(self, text_data=None, bytes_data=None):
        self.seen.append(text_data)
        await self.send(str(len(self.seen)))
""",
    """
    count = 0
    async def receive(self, text_data=None, bytes_data=None):
        self.count += 1
        await self.send(text_data=str(self.count))
""",
)
# Ours, on the learner's Counter: who sends, and what is right.
TURNS = (("ada", 1), ("bob", 1), ("bob", 2), ("ada", 2), ("eve", 1), ("bob", 3))


def judge(code: str, folder: Path) -> str | None:
    """What is wrong with an answer; None if nothing is.

    Args:
        code: the learner's module, with ``Counter`` and a test of it.
        folder: the exercise's copy of the project.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and getattr(node.value, "value", None) is ...:
            return "`...` still stands in the test. %hint helps, three times."
    if not any(isinstance(n, ast.ClassDef) and n.name == "Counter" for n in tree.body):
        return "the class Counter is missing."
    # As a child: an answer may hang, exit, or kill what it runs in.
    argv = ["python", "-P", __file__, code]
    done = children.run(argv, folder, SECONDS)
    if done.timed_out:
        return f"it did not end within {SECONDS:g} s."
    try:
        return _verdict(done.printed)
    except (ValueError, KeyError, TypeError):
        return "it ends before its tests do."


def _verdict(seen: dict[str, Any]) -> str | None:
    if seen["raised"]:
        return f"the cell raises {seen['raised']}"
    if not seen["ran"]:
        return "no test was found: a TestCase with a method test_... is needed."
    wrong = dict(zip(WRONG, seen["wrong"], strict=True))
    planted, *others = WRONG
    if not wrong[planted]:
        return f"your test passes on a Counter {planted}. How many clients has it?"
    for said in seen["right"]:
        if said:
            return f"your test fails on a Counter that counts right: {said}"
    for name in others:
        if not wrong[name]:
            return f"your test passes on a Counter {name}."
    if seen["cured"]:
        return f"your test is good. Now cure Counter: {seen['cured']}"
    if seen["own"]:
        return f"your test fails on your own Counter: {seen['own']}"
    return None


# -- in the child ----------------------------------------------------------------


def _module(tree: ast.Module, counter: str = "") -> types.ModuleType:
    """The learner's module, with another ``Counter`` in the place of its own."""
    body = tree.body
    if counter:
        other = ast.parse(HEAD + counter).body
        body = [
            new
            for old in body
            for new in (
                other
                if isinstance(old, ast.ClassDef) and old.name == "Counter"
                else [old]
            )
        ]
    module = types.ModuleType("answer")
    exec(compile(ast.Module(body, []), "<answer>", "exec"), vars(module))
    return module


def _tests(module: types.ModuleType) -> tuple[int, str]:
    """Run a module's tests; how many there are, and what the first failure says."""
    # Not those that the module has only imported: Django's own TestCase, say.
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TestResult()
    suite.run(result)
    failed = [*result.failures, *result.errors]
    lines = failed[0][1].strip().splitlines() if failed else []
    said = [line for line in lines if line and line[0] not in " -+?"]
    return result.testsRun, (said or [""])[-1][:100]


async def _turns(counter: Any) -> str:
    """What is wrong with a Counter; nothing if it counts right."""
    from channels.testing import WebsocketCommunicator

    clients: dict[str, Any] = {}
    for name, right in TURNS:
        if name not in clients:
            clients[name] = WebsocketCommunicator(counter.as_asgi(), "/")
            connected, _ = await clients[name].connect()
            if not connected:
                return f"it refuses {name}."
        await clients[name].send_to(text_data="next")
        said = await clients[name].receive_from()
        if said != str(right):
            return f"it tells {name} {said!r} after {right} of {name}'s messages."
    return ""


def main(code: str) -> None:
    """Print, as JSON, how the tests go; the current folder is the project."""
    import asyncio

    from tutor.project_cell import settings_module

    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module(Path.cwd()))
    import django
    from django.conf import settings
    from django.test.utils import setup_databases, setup_test_environment

    django.setup()
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = None  # in memory
    setup_test_environment()
    setup_databases(verbosity=0, interactive=False)
    tree = ast.parse(code)
    seen: dict[str, Any] = {"raised": "", "ran": 0}
    try:
        own = _module(tree)
    except BaseException as error:
        seen["raised"] = f"{type(error).__name__}: {error}"
        print("\n" + json.dumps(seen))
        return
    seen["ran"], _ = _tests(_module(tree, RIGHT[0]))
    seen["wrong"] = [_tests(_module(tree, one))[1] for one in WRONG.values()]
    seen["right"] = [_tests(_module(tree, one))[1] for one in RIGHT]
    try:
        seen["cured"] = asyncio.run(_turns(vars(own)["Counter"]))
    except BaseException as error:
        seen["cured"] = f"it ends with {type(error).__name__}: {error}"[:120]
    seen["own"] = _tests(own)[1]
    print("\n" + json.dumps(seen))


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    if problem := judge(code, folder):
        raise NotYet(problem)
    return "Your test notices three wrong counters, and yours is right."


if __name__ == "__main__":
    main(sys.argv[1])
