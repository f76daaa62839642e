"""Many clients in a process of their own, so that what they do is not measured.

Run as a script, with its orders as JSON in the first argument.  It prints ``ready``
once all are connected, then a line of JSON for each reading that all have received:
when the first and when the last of them had it, on the clock that never goes back.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from typing import Any

AT_ONCE = 8  # handshakes under way
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
LITTLE = 4096  # bytes that the system keeps for one who does not read


class Clients:
    """What all of them have received."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.heard: dict[bytes, list[float]] = {}  # how many, first, last
        self.slots = asyncio.Semaphore(AT_ONCE)
        self.kept: list[Client] = []

    def note(self, text: bytes) -> None:
        if b'"reading"' not in text:
            return
        now = time.monotonic()
        entry = self.heard.setdefault(text, [0, now, now])
        entry[0] += 1
        entry[2] = now
        if entry[0] == self.orders["count"]:
            del self.heard[text]
            line = {"first": entry[1], "last": entry[2]}
            print(json.dumps(line), flush=True)

    async def open(self, number: int) -> None:
        """One client: shake hands, then read or do not."""
        orders = self.orders
        async with self.slots:
            sock = socket.socket()
            sock.setblocking(False)
            if orders.get("deaf"):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, (orders["host"], orders["port"]))
            client = Client(self, number)
            await loop.create_connection(lambda: client, sock=sock)
            await client.accepted
            self.kept.append(client)


class Client(asyncio.Protocol):
    """A WebSocket client that knows what it needs: short frames, and pings."""

    def __init__(self, all_: Clients, number: int) -> None:
        self.all, self.number = all_, number
        self.buffer = bytearray()
        self.open = False
        self.accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        orders = self.all.orders
        jars = orders["cookies"]
        lines = [
            f"GET {orders['path']} HTTP/1.1",
            f"Host: {orders['host']}:{orders['port']}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            f"Origin: http://{orders['host']}:{orders['port']}",
            *([f"Cookie: {jars[self.number % len(jars)]}"] if jars else []),
        ]
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open:
            head, found, rest = bytes(self.buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self.fail(head.decode("latin-1").splitlines()[0])
                return
            self.buffer, self.open = bytearray(rest), True
            if self.all.orders.get("deaf"):
                self.transport.pause_reading()
            self.accepted.set_result(None)
        self.frames()

    def frames(self) -> None:
        """Take the whole frames out of what has come."""
        buffer, at = self.buffer, 0
        while len(buffer) >= at + 2:
            size, start = buffer[at + 1] & 127, at + 2
            if size > 125:
                wide = 2 if size == 126 else 8
                size = int.from_bytes(buffer[start : start + wide], "big")
                start += wide
            if len(buffer) < start + size:
                break
            payload, kind = bytes(buffer[start : start + size]), buffer[at] & 15
            at = start + size
            if kind == TEXT:
                self.all.note(payload)
            elif kind == PING:  # masked with zeros: it stays as it is
                answer = bytes([128 | PONG, 128 | size, 0, 0, 0, 0])
                self.transport.write(answer + payload)
            elif kind == CLOSE:
                self.fail(f"closed with {int.from_bytes(payload[:2], 'big')}")
        del buffer[:at]

    def connection_lost(self, error: Exception | None) -> None:
        self.fail("the connection is gone")

    def fail(self, why: str) -> None:
        print(json.dumps({"failed": why}), flush=True)
        if not self.accepted.done():
            self.accepted.set_exception(ConnectionError(why))
        self.transport.abort()


async def main() -> None:
    clients = Clients(json.loads(sys.argv[1]))
    await asyncio.gather(*map(clients.open, range(clients.orders["count"])))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
