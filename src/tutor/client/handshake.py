"""A WebSocket's handshake: what is asked, and whether it is let in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect as _connect
from websockets.exceptions import InvalidHandshake
from websockets.typing import Origin

from tutor import wording
from tutor.client.conversation import Talk
from tutor.report import Refusal
from tutor.sites import HOST, Site

OWN = "own"  # the Origin a page of this very server would send


@asynccontextmanager
async def talk(
    server: Site,
    path: str,
    origin: str | None = OWN,
    name: str = "",
    cookies: Mapping[str, str] | None = None,
) -> AsyncIterator[Talk]:
    """Open a WebSocket and print the conversation.

    Args:
        server: who is asked.
        path: such as ``/ws/whole1/``.
        origin: the Origin header; None sends none.
        name: whose socket it is, printed before each line.
        cookies: what the browser has, for whoever has logged in.

    Raises:
        Refusal: the handshake did not succeed.
    """
    before = f"{name} " if name else ""
    _print_request(server.called(path, "ws"), origin, before)
    try:
        connection = await _open(server, path, origin, cookies)
    except (InvalidHandshake, OSError, EOFError) as error:
        print(f"{before}←", wording.refused(error))
        raise Refusal(
            f"tried         a handshake with {path}\n"
            f"expected      101 Switching Protocols\n"
            f"got           {wording.refused(error)}\n"
            f"likely cause  the server's log says it: run %log"
        ) from None
    print(f"{before}← 101 Switching Protocols")
    ours = Talk(connection, name)
    try:
        yield ours
    finally:
        if connection.close_code is None:
            await connection.close()
            print(f"{before}→ close 1000")


async def knock(
    server: Site,
    path: str,
    origin: str | None = OWN,
    name: str = "",
    cookies: Mapping[str, str] | None = None,
) -> str:
    """Try a handshake, print how it is answered, and leave again; the answer."""
    before = f"{name} " if name else ""
    _print_request(server.called(path, "ws"), origin, before)
    answer = "101 Switching Protocols"
    try:
        connection = await _open(server, path, origin, cookies)
    except (InvalidHandshake, OSError, EOFError) as error:
        answer = wording.refused(error)
    else:
        await connection.close()
    print(f"{before}←", answer)
    return answer


def _open(
    server: Site,
    path: str,
    origin: str | None,
    cookies: Mapping[str, str] | None = None,
) -> _connect:
    return _connect(
        server.ws + path,
        additional_headers={"Cookie": cookie(cookies)} if cookies else None,
        origin=None
        if origin is None
        else Origin(server.url if origin == OWN else origin),
        host=HOST,
        port=server.port,
        ssl=server.tls,
        compression=None,
        proxy=None,
        user_agent_header=None,
        open_timeout=wording.OPENING,
        close_timeout=2,
    )


def cookie(cookies: Mapping[str, str]) -> str:
    """The header with which a browser sends its cookies."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _print_request(path: str, origin: str | None, before: str = "") -> None:
    more = (
        ""
        if origin == OWN
        else "   Origin: none"
        if origin is None
        else f"   Origin: {origin}"
    )
    print(f"{before}→ GET {path}   Upgrade: websocket{more}")
