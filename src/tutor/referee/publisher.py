"""How news is made: by a form, by a message, or by a command of ``manage.py``."""

from __future__ import annotations

import asyncio
import http.client
import json
import shlex
import socket
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from tutor import forms, project_cell
from tutor.children import FIRST_FD, Child
from tutor.referee.clients import Turned, Watcher
from tutor.referee.declaration import VALUE, Declaration, filled
from tutor.referee.ground import Ground
from tutor.servers import Server

SECONDS = 20.0  # that one may take
PACE = 0.06  # seconds between two messages: boards close who sends 20 a second

# One process that calls the command again and again: starting Django takes longer
# than the command does.
_CALLS = """
import socket, traceback
from django.core.management import call_command

with socket.socket(fileno=%d) as line, line.makefile("rw") as words:
    for text in words:
        name, *rest = text.rstrip("\\n").split("\\x1f")
        try:
            call_command(name, *rest)
            answer = "done"
        except BaseException as error:
            traceback.print_exc()
            answer = f"{type(error).__name__}: {error}".replace("\\n", " ")
        words.write(answer + "\\n")
        words.flush()
"""


class Unpublished(Exception):
    """Something could not be published; its text says what came instead."""


class Publisher:
    """Whoever makes news on a board; a context manager.

    Args:
        ground: the board that runs.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.declared: Declaration = ground.declared
        self.count = 0
        self._keys: dict[int, forms.Keys] = {}
        self._senders: dict[int, Watcher] = {}
        self._child: _Commands | None = None

    @property
    def shown(self) -> str:
        """What is done, in words."""
        way = self.declared.publish
        if way.message is not None:
            return f"the message {json.dumps(way.message)}"
        if way.command:
            return f"python manage.py {way.command}"
        return f"a form sent to {way.form}"

    async def __aenter__(self) -> Publisher:
        if self.declared.publish.command:
            self._child = await asyncio.to_thread(_Commands, self.ground)
        return self

    async def __aexit__(self, *_: object) -> None:
        for sender in self._senders.values():
            await sender.leave()
        if self._child is not None:
            await asyncio.to_thread(self._child.stop)

    def forget(self) -> None:
        """Publish as whoever ``ground.ada`` is by now."""
        self._keys.clear()

    async def __call__(self, at: Server) -> Any:
        """Publish the next value.

        Args:
            at: the process that is asked, where one is.

        Returns:
            The value.

        Raises:
            Unpublished: it did not work.
        """
        way = self.declared.publish
        value = way.value(self.count)
        self.count += 1
        try:
            async with asyncio.timeout(SECONDS):
                if way.message is not None:
                    await self._say(at, filled(way.message, VALUE, value))
                elif self._child is not None:
                    words = [filled(w, VALUE, value) for w in shlex.split(way.command)]
                    await asyncio.to_thread(self._child.call, words)
                else:
                    fields = filled(dict(way.fields), VALUE, value)
                    await asyncio.to_thread(self._post, at, way.form, fields)
        except TimeoutError:
            raise Unpublished(f"no answer within {SECONDS:g} s") from None
        return value

    async def _say(self, at: Server, message: Any) -> None:
        sender = self._senders.get(at.port)
        try:
            if sender is None or not sender.open:
                sender = await Watcher(self.declared, self.ground.ada).enter(at)
                self._senders[at.port] = sender
            assert sender._socket is not None
            await sender._socket.send(json.dumps(message))
        except (Turned, ConnectionClosed) as error:
            raise Unpublished(str(error)) from None
        await asyncio.sleep(PACE)

    def _post(self, at: Server, path: str, fields: Mapping[str, object]) -> None:
        try:
            if at.port not in self._keys:
                page, ada = self.declared.page, self.ground.ada
                self._keys[at.port] = forms.keys(at, page, ada)
            reply = forms.send(at, path, fields, self._keys[at.port])
        except (OSError, http.client.HTTPException) as error:
            raise Unpublished(f"no answer ({type(error).__name__})") from None
        if reply.status >= 400:
            raise Unpublished(f"{reply.status} {reply.reason}")


class _Commands:
    """A process of the board that calls its commands, one after the other."""

    def __init__(self, ground: Ground) -> None:
        mine, theirs = socket.socketpair()
        with theirs:
            low = _high(theirs)
            with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
                file.write(_CALLS % low)
            self._file = Path(file.name)
            runner = str(Path(project_cell.__file__))
            argv = ["python", "-P", runner, file.name]
            self._child = Child(argv, ground.project, (low,), ground.extra)
        socket.socket(fileno=low).close()
        mine.settimeout(SECONDS)
        self._line = mine.makefile("rw")
        self._turn = threading.Lock()
        self._mine = mine

    def call(self, words: list[Any]) -> None:
        """Call a command.

        Raises:
            Unpublished: it failed.
        """
        try:
            # Who was cancelled still waits for its answer, in a thread.
            with self._turn:
                self._line.write("\x1f".join(map(str, words)) + "\n")
                self._line.flush()
                answer = self._line.readline().strip()
        except (OSError, ValueError):
            answer = "no answer"
        if answer != "done":
            raise Unpublished(answer or "its process has ended")

    def stop(self) -> None:
        with suppress(OSError):
            self._line.close()
        self._mine.close()
        self._child.stop(grace=0.5)
        self._file.unlink(missing_ok=True)


def _high(sock: socket.socket) -> int:
    """A descriptor of the socket that a guard lets pass."""
    import fcntl

    return fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, FIRST_FD)
