"""Judge the exercise of step 8: a consumer that knows one message more.

It is served by Daphne under a route of its own, and spoken to.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tutor import servers
from tutor.checks import talk
from tutor.checks.protocol import CRASH, LATE, ask
from tutor.exercises.answers import NotYet
from tutor.servers import Server

_APPLICATION = """
import os

from channels.routing import URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
get_asgi_application()

from master_app.answer import Correcting

application = URLRouter([path("correcting/", Correcting.as_asgi())])
"""
COMMAND = ["daphne", "--application-close-timeout", "1", "webapp.answer:application"]
_CORRECT = {"type": "correct", "id": 1, "value": 58}
_FIELD = {"type": "error", "code": "field"}
DIALOGUE: tuple[tuple[Any, dict[str, Any]], ...] = (
    ({"type": "publish", "value": 57}, {"type": "reading", "id": 1, "value": 57}),
    (_CORRECT, {"type": "reading", "id": 1, "value": 58}),
    ({"type": "hello", "after": 0}, {"type": "welcome", "last": 1}),
    (_CORRECT | {"id": 2}, _FIELD),  # there is no such reading
    (_CORRECT | {"id": 0}, _FIELD),
    (_CORRECT | {"id": "1"}, _FIELD),
    (_CORRECT | {"value": 101}, _FIELD),
    (_CORRECT | {"value": True}, _FIELD),
    (_CORRECT | {"why": "a typo"}, _FIELD),
    ({"type": "correct", "value": 58}, _FIELD),
    ({"type": "forget", "id": 1}, {"type": "error", "code": "type"}),
    (_CORRECT | {"value": 0}, {"type": "reading", "id": 1, "value": 0}),
)


def judge(code: str, folder: Path) -> str | None:
    """What is wrong with an answer, in a line; None where nothing is.

    Args:
        code: the learner's cell.
        folder: the exercise's own copy of the project.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and getattr(node.value, "value", 0) is ...:
            return (
                f"`...` still stands in line {node.lineno}. %hint helps, three times."
            )
    if "Correcting" not in {getattr(node, "name", "") for node in tree.body}:
        return "a class is needed, Correcting."
    (folder / "master_app" / "answer.py").write_text(code, encoding="utf-8")
    (folder / "webapp" / "answer.py").write_text(_APPLICATION, encoding="utf-8")
    with servers.serving(COMMAND, folder) as server:
        if not server.running:
            return f"the server ends with {_last(server.log())}"
        problem = talk.run(_converse(server))
        if server.child.wait_for(lambda out: CRASH in out, LATE):
            said = server.log().partition(CRASH)[2].partition("\n")[0]
            return f"the log has an exception{said[:120]}"
        return problem


async def _converse(server: Server) -> str | None:
    """Say each message; what is wrong at the first wrong answer."""
    said: Any = None
    try:
        async with talk.opened(f"{server.ws}/correcting/", server.url) as socket:
            for said, wanted in DIALOGUE:
                got = await ask(socket, said, wanted["type"]) or {}
                if {key: got.get(key) for key in wanted} != wanted:
                    got.pop("text", None)
                    came = json.dumps(got) if got else "no answer"
                    return f"{json.dumps(said)} gets {came}, not {json.dumps(wanted)}."
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else 1006
        return f"{json.dumps(said)} ends the connection with {code}."
    except (InvalidHandshake, OSError, EOFError, TimeoutError):
        return "its handshake was not answered with 101."
    return None


def _last(log: str) -> str:
    """The line of a log that says why the server ended."""
    lines = [line for line in log.splitlines() if line.strip()] or ["no word"]
    errors = [line for line in lines if not line.startswith((" ", "INFO"))]
    return (errors or lines)[-1].strip()[:150]


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    if problem := judge(code, folder):
        raise NotYet(problem)
    return "It corrects what there is, refuses all else, and the old messages hold."
