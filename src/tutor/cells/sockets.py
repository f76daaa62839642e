"""WebSockets of the running server, as the cells open and watch them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import tutor

if TYPE_CHECKING:
    from tutor.client import Talk
    from tutor.frames import Wire

OWN = "own"
_last_knock: tuple[str, str] | None = None  # the path, and how it was answered


def connect(
    path: str,
    origin: str | None = OWN,
    name: str = "",
    at: int = 1,
    user: str = "",
    device: str = "",
) -> AbstractAsyncContextManager[Talk]:
    """Open a WebSocket to the running server; what passes is printed.

    Args:
        path: such as ``/ws/whole1/``, or a whole address, which leads to nginx.
        origin: the Origin header; left out, the one a page of this server sends.
        name: whose socket it is, printed before each line.
        at: which server, where ``%serve --also`` has started another.
        user: who has logged in; without a name, theirs is printed.
        device: which of their browsers, where they have several.
    """
    from tutor import client, nginx

    if nginx.left_out(path):
        return nullcontext(client.Silence())  # type: ignore[arg-type]
    session = tutor._current()
    server, path = session.site(path, at)
    jar = session.jars.cookies(server, user, device)
    return client.talk(server, path, origin, name or device or user, jar)


async def knock(
    path: str, origin: str | None = OWN, at: int = 1, user: str = "", device: str = ""
) -> None:
    """Try a handshake, and print how it is answered."""
    from tutor import client, nginx

    global _last_knock
    if nginx.left_out(path):
        return
    session = tutor._current()
    server, path = session.site(path, at)
    jar = session.jars.cookies(server, user, device)
    said = await client.knock(server, path, origin, device or user, jar)
    _last_knock = path, said


def way() -> None:
    """Draw how far the last knock came into the application."""
    from tutor import drawing, pictures
    from tutor.report import Refusal

    if _last_knock is None:
        raise Refusal("Nobody has knocked yet: run the cell with tutor.knock first.")
    session = tutor._current()
    pictures.show(drawing.draw(session.serving(), session.folder, *_last_knock))


@asynccontextmanager
async def wire(path: str) -> AsyncIterator[Wire]:
    """Open a WebSocket over a bare connection; its bytes are printed."""
    from tutor import client, frames

    server = tutor._current().serving()
    with client.in_words(f"the bytes of {path}"):
        async with frames.wire(server.url, path, server.url) as opened:
            yield opened


async def raw(path: str) -> None:
    """Try a handshake over a bare connection; print request and answer whole."""
    async with wire(path):
        pass


async def left() -> None:
    """Wait as long as the running server takes to be rid of a client that left."""
    from tutor import client

    await client.left(tutor._current().serving())


async def waits(path: str, clients: int) -> None:
    """Let some clients ask at once; draw when each is answered."""
    from tutor import client, pictures

    pictures.show(await client.waits(tutor._current().serving(), path, clients))
