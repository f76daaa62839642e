"""What the exercises' checks share: an answer's values, a knock, a verdict."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tutor import children
from tutor.servers import Server

Names = Mapping[str, Any]
SECONDS = 45  # that an answer may take, on a busy machine
KNOCK_SECONDS = 3


class NotYet(Exception):
    """An answer that is not complete or not right; its text says what to look at."""


# An answer runs as a child: it may hang, exit, or kill what it runs in.  The last
# line it prints has the names it sets, as text; what is no plain value is left out.
_SETS = """
import json, sys

names, raised = {}, ""
try:
    exec(compile(sys.argv[1], "<answer>", "exec"), names)
except BaseException as error:
    raised = f"{type(error).__name__}: {error}"
names.pop("__builtins__", None)
dots = [
    name for name, value in names.items()
    if value is ... or isinstance(value, dict) and ... in value.values()
]
plain = {name: repr(value) for name, value in names.items()}
print("\\n" + json.dumps({"raised": raised, "dots": dots, "names": plain}))
"""


def names(code: str, folder: Path) -> Names:
    """The plain values an answer sets; ``...`` among them means "not yet"."""
    argv = ["python", "-P", "-c", _SETS, code]
    seen = last_line(children.run(argv, folder, SECONDS))
    if seen["raised"]:
        raise NotYet(f"the cell raises {short(seen['raised'])}")
    for name in seen["dots"]:
        raise NotYet(f"`...` still stands in {name}. %hint helps, three times.")
    plain = {}
    for name, value in seen["names"].items():
        with suppress(ValueError, SyntaxError):
            plain[name] = ast.literal_eval(value)
    return plain


def last_line(done: children.Result) -> Any:
    """What a child printed last, read as JSON."""
    if done.timed_out:
        raise NotYet(f"it did not end within {SECONDS:g} s.")
    if done.code:
        last = (done.out.strip().splitlines() or [""])[-1]
        raise NotYet(f"it ends with {short(last) or f'exit status {done.code}'}")
    # A plain value is the answer's own print, not the verdict on it.
    if not isinstance(done.printed, dict | list):
        raise NotYet("it ends before its last line.")
    return done.printed


def short(line: str) -> str:
    return textwrap.shorten(line, 150, placeholder=" ...")


def given(names: Names, name: str, kind: type) -> Any:
    value = names.get(name)
    if not isinstance(value, kind):
        raise NotYet(f"{name} should be a {kind.__name__}.")
    return value


def compare(mine: Mapping[str, Any], true: Mapping[str, Any], what: str) -> str:
    """Hold predictions against what came; say how many, never which is what."""
    missing = [key for key in true if key not in mine]
    if missing:
        raise NotYet(f"{missing[0]!r} is missing.")
    wrong = [key for key in true if mine[key] != true[key]]
    if wrong:
        right = len(true) - len(wrong)
        raise NotYet(f"{right} of {len(true)} are right. Look again at {wrong[0]!r}.")
    return f"{what} says the same of all {len(true)}."


def knock(
    server: Server, path: str, origin: str | None = None
) -> tuple[int, int | None]:
    """A handshake: its status, and the close code if the server then closes."""
    try:
        with connect(
            server.ws + path,
            origin=Origin(origin or server.url),
            proxy=None,
            open_timeout=KNOCK_SECONDS + 5,
            close_timeout=1,
        ) as socket:
            try:
                socket.recv(timeout=KNOCK_SECONDS)
            except ConnectionClosed as closed:
                return 101, closed.rcvd.code if closed.rcvd else 1006
            except TimeoutError:
                return 101, None
            return 101, None
    except InvalidStatus as refused:
        return refused.response.status_code, None
    except (InvalidHandshake, OSError, EOFError):
        return 0, None


def inside(code: str, folder: Path) -> Any:
    """Run code in the project; what its last line printed, read as JSON."""
    return last_line(children.run_inside(code, folder, SECONDS))


def complete(code: str, kind: str, name: str, where: str = "") -> None:
    """See that an answer defines a name, and holds no ``...`` any more.

    Args:
        code: the learner's cell.
        kind: what the name should be, such as ``class``.
        name: the function or the class.
        where: where the dots would stand; left out, in what is named.

    Raises:
        NotYet: something is missing.
    """
    tree = ast.parse(code)
    if name not in {getattr(node, "name", "") for node in tree.body}:
        raise NotYet(f"a {kind} {name} is needed.")
    if any(getattr(node, "value", 0) is ... for node in ast.walk(tree)):
        raise NotYet(
            f"`...` still stands in {where or name}. %hint helps, three times."
        )


def told(seen: tuple[int, int | None]) -> str:
    status, code = seen
    if not status:
        return "no answer at all"
    return f"{status}, then close {code}" if code else f"{status}"
