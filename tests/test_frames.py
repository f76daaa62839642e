"""Handshake and frames, byte by byte as in the examples of RFC 6455."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import serve

from tutor import frames


def test_the_handshake_of_section_1_3() -> None:
    assert (
        frames.accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    )
    asked = frames.request("/chat", "server.example.com", "http://example.com")
    assert asked == (
        "GET /chat HTTP/1.1\r\n"
        "Host: server.example.com\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Origin: http://example.com\r\n"
        "\r\n"
    )


def test_no_origin_is_no_header() -> None:
    assert "Origin" not in frames.request("/", "a", None)


def test_the_frames_of_section_5_7() -> None:
    """A single-frame masked text message; a masked pong with the same body."""
    hello = bytes.fromhex("818537fa213d7f9f4d5158")
    assert frames.frame(b"Hello") == hello
    pong = bytes.fromhex("8a8537fa213d7f9f4d5158")
    assert frames.frame(b"Hello", 0xA) == pong


@pytest.mark.parametrize("length", [0, 1, 4, 5, 125])
def test_the_mask_comes_off_again(length: int) -> None:
    payload = bytes(range(length))
    assert frames.masked(frames.masked(payload)) == payload
    assert frames.frame(payload)[1] == 0x80 | length


def test_what_needs_a_longer_head_is_refused() -> None:
    with pytest.raises(ValueError, match="RFC 6455"):
        frames.frame(b"x" * 126)


async def test_a_real_conversation_is_shown_byte_by_byte(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def echo(connection: object) -> None:
        async for message in connection:  # type: ignore[attr-defined]
            await connection.send(message)  # type: ignore[attr-defined]

    async with serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        async with frames.wire(base, "/chat", base) as wire:
            await wire.send("Hello")
            assert await wire.recv() == "Hello"
            await wire.send("7")
            await wire.recv(varies="a number")
            await wire.close()
    said = capsys.readouterr().out.splitlines()
    assert str(port) not in "\n".join(said)
    assert said[0] == "→ GET /chat HTTP/1.1"
    assert "→ Host: 127.0.0.1:PORT" in said
    assert "← HTTP/1.1 101 Switching Protocols" in said
    assert "← Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in said
    assert not [line for line in said if line.startswith(("← Date", "← Server"))]
    first = said.index("→ 81 85              final frame, text; masked, 5 bytes")
    assert said[first + 1 :] == [
        "→ 37 fa 21 3d        the mask",
        '→ 7f 9f 4d 51 58     "Hello", each byte XORed with the mask',
        "← 81 05              final frame, text; not masked, length 5",
        '← 48 65 6c 6c 6f     "Hello"',
        "→ 81 81              final frame, text; masked, 1 bytes",
        "→ 37 fa 21 3d        the mask",
        '→ 00                 "7", each byte XORed with the mask',
        "← 81 01              final frame, text; not masked, length 1   (a number)",
        '← 37                 "7"   (a number)',
        "→ 88 82              final frame, close; masked, 2 bytes",
        "→ 37 fa 21 3d        the mask",
        "→ 34 12              1000, XORed with the mask",
        "← 88 02              final frame, close; not masked, length 2",
        "← 03 e8              close code 1000",
    ]


async def test_a_server_that_says_nothing_is_not_waited_for_long() -> None:
    async def silent(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with frames.wire(f"http://127.0.0.1:{port}", "/", None) as wire:
            with pytest.raises(TimeoutError):
                await wire.recv(within=0.05)
