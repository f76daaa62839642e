"""The bytes of a WebSocket: the handshake and the frames (RFC 6455).

Key and mask are fixed to those of the RFC's own examples, so that a reader can
hold what is printed here beside sections 1.3 and 5.7, and so that two runs print
the same.  A real client draws both at random for every connection and frame.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # the same section
MASK = bytes.fromhex("37fa213d")  # section 5.7
NAMES = {0x1: "text", 0x2: "binary", 0x8: "close", 0x9: "ping", 0xA: "pong"}  # 5.2
VOLATILE = ("date", "content-length", "server")


def accept_of(key: str) -> str:
    """The Sec-WebSocket-Accept that proves a server has read ``key`` (4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def request(path: str, host: str, origin: str | None) -> str:
    """The text of a handshake request (section 4.1)."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
    ]
    if origin is not None:
        lines.append(f"Origin: {origin}")
    return "\r\n".join([*lines, "", ""])


def masked(payload: bytes, mask: bytes = MASK) -> bytes:
    """XOR with the mask; the same again takes it off (section 5.3)."""
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def frame(payload: bytes, opcode: int = 0x1) -> bytes:
    """A client's frame, final and masked, of at most 125 bytes (section 5.2)."""
    if len(payload) > 125:
        raise ValueError(
            "longer frames carry their length in more bytes: RFC 6455, 5.2"
        )
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + MASK + masked(payload)


def hexed(data: bytes) -> str:
    return data.hex(" ")


class Wire:
    """An open socket whose bytes are printed beside their meaning."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, text: str) -> None:
        """Send one text frame."""
        data = frame(text.encode())
        self._writer.write(data)
        await asyncio.wait_for(self._writer.drain(), 5)
        _row("→", data[:2], f"final frame, text; masked, {len(text.encode())} bytes")
        _row("→", data[2:6], "the mask")
        _row("→", data[6:], f'"{text}", each byte XORed with the mask')

    async def recv(self, varies: str = "", within: float = 5) -> str:
        """Receive one short frame of the server; returns its text.

        Args:
            varies: what the payload is, where it differs from run to run.
            within: seconds.
        """
        async with asyncio.timeout(within):
            head = await self._reader.readexactly(2)
            payload = await self._reader.readexactly(head[1] & 0x7F)
        kind = NAMES.get(head[0] & 0x0F, "unknown")
        note = f"   ({varies})" if varies else ""
        _row("←", head, f"final frame, {kind}; not masked, length {len(payload)}{note}")
        if kind == "close":
            code = int.from_bytes(payload[:2], "big")
            _row("←", payload, f"close code {code}")
            return str(code)
        _row("←", payload, f'"{payload.decode()}"{note}')
        return payload.decode()

    async def close(self, code: int = 1000) -> None:
        """Send a close frame and wait for the answering one (section 5.5.1)."""
        data = frame(code.to_bytes(2, "big"), 0x8)
        self._writer.write(data)
        _row("→", data[:2], "final frame, close; masked, 2 bytes")
        _row("→", data[2:6], "the mask")
        _row("→", data[6:], f"{code}, XORed with the mask")
        await self.recv()


@asynccontextmanager
async def wire(base: str, path: str, origin: str | None) -> AsyncIterator[Wire]:
    """Shake hands over a bare TCP connection and print both messages.

    Args:
        base: the server, such as ``http://127.0.0.1:8000``.
        path: the path to knock on.
        origin: the Origin header, or None to send none.
    """
    where = urlsplit(base)
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        asked = request(path, f"{where.hostname}:{where.port}", origin)
        writer.write(asked.encode())
        async with asyncio.timeout(5):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        for line in asked.split("\r\n")[:-2]:
            print("→", line.replace(str(where.port), "PORT"))
        for line in answer.split("\r\n")[:-2]:
            if line.split(":")[0].lower() not in VOLATILE:
                print("←", line)
        yield Wire(reader, writer)
    finally:
        writer.close()


def _row(arrow: str, data: bytes, meaning: str) -> None:
    print(f"{arrow} {hexed(data):<18} {meaning}")
