"""What passes over a connection, and what becomes of it, in the words of the cells."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode

from tutor.report import Refusal

OPENING = 7.0  # seconds for a handshake
LONG = 200  # characters or bytes; what is longer is not shown whole


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Say in words what came of something that was tried over the network."""
    try:
        yield
    except (
        InvalidHandshake,
        ConnectionClosed,
        http.client.HTTPException,
        OSError,
        EOFError,
    ) as error:
        raise Refusal(
            f"{what}: {refused(error)}.\nThe server's log may say why: run %log"
        ) from None


def is_beat(message: str | bytes) -> bool:
    """Whether a message is a heartbeat, which may come at any moment."""
    return isinstance(message, str) and '"heartbeat"' in message


def shown(message: str | bytes) -> str:
    """A message in a line; of a long one its beginning and its length."""
    long = len(message) > LONG
    if isinstance(message, str):
        more = f"   ({len(message):,} characters)" if long else ""
        return f'text "{message[:20] + "..." if long else message}"{more}'
    more = f" ...   ({len(message):,} bytes)" if long else ""
    return f"binary {(message[:7] if long else message).hex(' ')}{more}"


def often(count: int, words: str = "") -> str:
    """How often something came, where that was more than once."""
    return f"   ({words or count} times)" if count > 1 else ""


def refused(error: Exception) -> str:
    """A failed handshake in a line: the status, or that nothing answered."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return f"{status} {HTTPStatus(status).phrase}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: no server is listening"
    if isinstance(error, TimeoutError):
        return f"no answer within {OPENING:g} s"
    return "the connection was dropped without an answer"


def closed(connection: ClientConnection) -> str:
    """With which code a connection was closed, and that code's name."""
    code = connection.close_code
    try:
        name = CloseCode(code or 1006).name.lower().replace("_", " ")
    except ValueError:
        name = "the application's own code" if code and code >= 4000 else "unknown"
    return f"close {code} ({name})"
