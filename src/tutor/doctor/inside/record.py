# mypy: ignore-errors
"""Watch an application while a real server runs it: what it is told, what it says."""

import ast
import asyncio
import contextvars
import gc
import inspect
import itertools
import json
import sys
import threading
import time
import warnings

from . import signin
from .report import emit, error_of, inside, own, reporting, stack_of, starved

TAG = b"x-tutor-knock"
ONCE = 1.0  # seconds that an import may take
SLOW = 0.15  # seconds for which the loop may stand still
TICK = 0.01  # seconds
STILL = 0.1  # seconds: what takes longer is the machine's, or "blocked" tells of it

_site = contextvars.ContextVar("site", default=None)
_count = itertools.count(1)
finished = []  # connections whose exception Daphne has not printed yet


class Line:
    """One connection, as the application sees it."""

    def __init__(self, scope, receive, send):
        tags = [value for name, value in scope.get("headers", []) if name == TAG]
        self.conn = tags[0].decode() if tags else f"?{next(_count)}"
        self._receive, self._send = receive, send
        self.told = 0

    async def receive(self):
        emit("idle", conn=self.conn, told=self.told)
        message = await self._receive()
        self.told += 1
        kind = message.get("type")
        emit("told", conn=self.conn, type=kind, lived=lived())
        return message

    async def send(self, message):
        at = author(stack_of(sys._getframe(1)), message) or _site.get()
        emit("sent", conn=self.conn, at=at, **described(message))
        await self._send(message)


def author(frames, message):
    """The line of the project that sends a message; a close, from where it is asked."""
    mine = [frame for frame in frames if frame["own"]]
    if isinstance(message, dict) and message.get("type") == "websocket.close":
        mine = [frame for frame in mine if frame["name"] != "close"] or mine
    return mine[-1] if mine else None


def described(message):
    """A message as data: its keys, and the Python types of what it carries."""
    if not isinstance(message, dict):
        return {"type": None, "is": type(message).__name__}
    return {
        "type": message.get("type"),
        "is": "dict",
        "keys": sorted(str(key) for key in message),
        "text": _type(message, "text"),
        "bytes": _type(message, "bytes"),
        "value": repr(message.get("text", message.get("bytes")))[:200],
        "code": message.get("code") if isinstance(message.get("code"), int) else None,
        "reason": bool(message.get("reason")),
        "twice": twice(message.get("text")),
        "python": python_text(message.get("text")),
    }


def twice(text):
    """Whether a text is JSON within JSON."""
    try:
        inner = json.loads(text)
        return isinstance(inner, str) and isinstance(json.loads(inner), (dict, list))
    except (TypeError, ValueError):
        return False


def python_text(text):
    """Whether a text is what Python prints of a dict, a list or bytes: no JSON."""
    if not isinstance(text, str) or text[:2] not in ("{'", "['", "b'", 'b"', "[{"):
        return False
    try:
        json.loads(text)
    except ValueError:
        try:
            return isinstance(ast.literal_eval(text), (dict, list, bytes))
        except (ValueError, SyntaxError):
            return False
    return False


def _type(message, key):
    return type(message[key]).__name__ if key in message else None


def recorded(application):
    """The application with every connection noted."""

    async def app(scope, receive, send):
        if scope["type"] != "websocket":
            asked = signin.asked(scope) if scope["type"] == "http" else ""
            if asked.startswith("/"):
                return await signin.prepare(asked.split(","), send)
            try:
                page = signin.signed(scope) if asked else scope
                return await application(page, receive, send)
            except Exception as error:
                emit("http-failed", type=scope["type"], error=error_of(error))
                raise
        line = Line(scope, receive, send)
        emit("began", conn=line.conn, path=scope.get("path"))
        watch_blocking()
        try:
            await application(signin.signed(scope), line.receive, line.send)
        except asyncio.CancelledError:
            emit("killed", conn=line.conn, lived=lived())
            raise
        except BaseException as error:
            emit("failed", stage="socket", conn=line.conn, error=error_of(error))
            raise
        finally:
            gc.collect()
            emit("ended", conn=line.conn, lived=lived())
            finished.append(line.conn)
            # Who was cancelled needs some turns of the loop to be gone.
            asyncio.get_running_loop().call_later(0.15, census, line.conn)

    return app


def census(conn):
    """The project's own tasks that are still running, after a consumer's end."""
    found = []
    for task in asyncio.all_tasks():
        code = _code(task)
        file = inside(code.co_filename) if code else None
        if file and not task.done() and code.co_name != "app":
            found.append(
                {"file": file, "line": code.co_firstlineno, "name": code.co_name}
            )
    emit("tasks", conn=conn, found=found)


def _code(task):
    """The code of a task's coroutine, where it has some."""
    return getattr(task.get_coro(), "cr_code", None)


def note_sync_sends():
    """Remember where a synchronous consumer sends: its thread has the frames."""
    from channels.consumer import SyncConsumer

    real = SyncConsumer.send

    def send(self, message):
        _site.set(own(stack_of(sys._getframe(1))))
        return real(self, message)

    SyncConsumer.send = send


def note_unawaited():
    """Report each coroutine that is thrown away, whatever the warnings filter."""
    sys.set_coroutine_origin_tracking_depth(8)
    real = getattr(warnings, "_warn_unawaited_coroutine", None)

    def warn(coroutine):
        if threading.get_ident() in signin.busy:
            return
        origin = getattr(coroutine, "cr_origin", None) or ()
        frames = [
            {"file": inside(file), "line": line, "name": name}
            for file, line, name in origin
            if inside(file)
        ]
        emit(
            "unawaited",
            name=getattr(coroutine, "__qualname__", "?"),
            module=getattr(
                inspect.getmodule(getattr(coroutine, "cr_code", None)), "__name__", ""
            ),
            at=frames[0] if frames else None,
        )
        if real is not None:
            real(coroutine)

    warnings._warn_unawaited_coroutine = warn


def note_lost_tasks(loop):
    """Report what a task raised that nobody waited for.

    Who cancels a task that has failed already takes its exception away unread.
    """

    class Watched(asyncio.Task):
        def cancel(self, *args, **told):
            unread = self.done() and not self.cancelled() and self._log_traceback
            if unread and inside(getattr(_code(self), "co_filename", None)):
                emit("task-failed", error=error_of(self._exception), unread=True)
            return super().cancel(*args, **told)

    def handle(loop, context):
        error = context.get("exception")
        if error is not None:
            emit("task-failed", error=error_of(error))
        loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    if loop.get_task_factory() is None:
        loop.set_task_factory(
            lambda loop, coro, **told: Watched(coro, loop=loop, **told)
        )


_watching = []
_life = [0.0, 0.0, 0.0]  # seconds lived, and when that was, and starved until then


def lived():
    """Seconds for which the loop has turned, or might have.

    Not those of a machine that stands still, nor those without a processor.
    """
    now, waited = time.monotonic(), starved()
    took = now - _life[1] - (waited - _life[2])
    _life[:] = _life[0] + min(max(took, 0.0), STILL), now, waited
    return _life[0]


def watch_blocking():
    """Start, once, the thread that sees the event loop stand still."""
    if _watching:
        return
    _watching.append(True)
    loop = asyncio.get_running_loop()
    main = threading.get_ident()
    beat = [0]

    def tick():
        beat[0] += 1
        lived()
        loop.call_later(TICK, tick)

    def watch():
        seen, still, frames, waited, known = 0, 0, None, 0.0, 0
        while True:
            time.sleep(TICK)
            if beat[0] != seen or signin.busy or main in reporting:
                stood = still * TICK - (starved() - waited if frames else 0)
                # What is imported at its first use is slow this once.
                least = SLOW if len(sys.modules) == known else ONCE
                if frames is not None and stood >= least:
                    emit("blocked", seconds=stood, frames=frames, at=own(frames))
                seen, still, frames = beat[0], 0, None
                continue
            if still == 0:
                waited, known = starved(), len(sys.modules)
            still += 1
            if still == int(SLOW / TICK) or still % 100 == 0:
                # The thread's own naps are counted, so a machine that stands
                # still does not look like a project that sleeps.
                now = stack_of(sys._current_frames().get(main))[-25:]
                if own(now) or frames is None:
                    frames = now
                if still * TICK >= 3 and own(frames):
                    emit("blocked", seconds=still * TICK, frames=frames, at=own(frames))

    tick()
    threading.Thread(target=watch, daemon=True).start()
