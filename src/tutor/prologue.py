"""The prologue's two experiments: Jupyter's own socket, and what polling costs."""

from __future__ import annotations

import asyncio
import http.client
import http.server
import json
import secrets
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

from tutor import frames, places
from tutor.pictures import Picture, bars
from tutor.servers import HOST, Server


async def listen_in(code: str) -> None:
    """Run code in a private Jupyter kernel; print what its WebSocket carries.

    Jupyter's messages: https://jupyter-client.readthedocs.io/en/stable/messaging.html
    """
    place = places.temporary()
    token = secrets.token_hex(16)
    command = ["jupyter", "server", "--no-browser", f"--ServerApp.ip={HOST}"]
    command += [
        "--ServerApp.port=PORT",
        "--ServerApp.port_retries=0",
        "--ServerApp.allow_root=True",
    ]
    command += [f"--IdentityProvider.token={token}", "--ServerApp.log_level=ERROR"]
    folder = str(place.folder)
    if places.names_a_socket(place.folder / "kernel-5"):
        # Sockets with names of their own.  Between choosing a free port and using
        # it another process may take it: the server then waits for a minute.
        command += ["--KernelManager.transport=ipc"]
        command += [f"--KernelManager.ip={folder}/kernel"]
    # A bare server: neither the reader's own configuration nor any extension, and
    # a kernel with neither the reader's profile nor a history of his on a slow disk.
    quiet = {"JUPYTER_RUNTIME_DIR": folder, "JUPYTER_CONFIG_DIR": folder}
    quiet |= {"JUPYTER_NO_CONFIG": "1", "IPYTHONDIR": folder}
    quiet |= {"TMPDIR": folder}  # for what Jupyter makes there and leaves
    server = Server(command, place.folder, quiet)
    try:
        await asyncio.to_thread(server.ready, 30)
        kernel = await asyncio.to_thread(_new_kernel, server.port, token)
        uri = f"{server.ws}/api/kernels/{kernel}/channels?token={token}"
        async with asyncio.timeout(30), connect(uri, proxy=None) as socket:
            print("→ GET /api/kernels/…/channels   Upgrade: websocket")
            print("← 101 Switching Protocols")
            await socket.send(json.dumps(_request(code)))
            print(f"→ {'execute_request':<16} {code}")
            reply = None
            idle = False
            # Two channels share the socket: answers and news.  Their order
            # between each other is open, so the answer is shown last.
            while reply is None or not idle:
                message = json.loads(await socket.recv())
                if message["parent_header"].get("msg_type") != "execute_request":
                    continue
                kind, content = message["msg_type"], message["content"]
                if kind == "execute_reply":
                    reply = content["status"]
                    continue
                print(f"← {kind:<16} {_gist(content)}")
                idle = content.get("execution_state") == "idle"
            print(f"← {'execute_reply':<16} {reply}")
    finally:
        server.stop()
        place.remove()


def _new_kernel(port: int, token: str) -> str:
    link = http.client.HTTPConnection(HOST, port, timeout=30)
    link.request("POST", "/api/kernels", "{}", {"Authorization": f"token {token}"})
    return str(json.loads(link.getresponse().read())["id"])


def _request(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "version": "5.3",
    }
    header |= {"session": uuid.uuid4().hex, "username": "", "date": ""}
    content = {"code": code, "silent": False}
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
    }


def _gist(content: dict[str, Any]) -> str:
    if "execution_state" in content:
        return str(content["execution_state"])
    return str(content.get("data", {}).get("text/plain") or content.get("code", ""))


class _Numbers(http.server.BaseHTTPRequestHandler):
    """Answers each GET with the next number; keeps the connection open."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "demo", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # header and body leave together

    def do_GET(self) -> None:
        body = self.path[1:].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing: the cell counts bytes, it keeps no log."""


@contextmanager
def _pages() -> Iterator[int]:
    with http.server.ThreadingHTTPServer((HOST, 0), _Numbers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


async def compare(numbers: int = 100) -> Picture:
    """Fetch the numbers 0, 1, 2, … by polling and by WebSocket; count all bytes.

    Args:
        numbers: how many.
    """
    with _pages() as port:
        polled = await _poll(port, numbers)
    pushed = await _pushed(numbers)
    each = {"polling": polled / numbers, "WebSocket": pushed / numbers}
    for name, total in (("polling", polled), ("WebSocket", pushed)):
        print(f"{name:<9} {total:>7,} bytes, {each[name]:.0f} for each number")
    return bars("Bytes on the wire for each number", each, "bytes", mark="WebSocket")


async def _poll(port: int, numbers: int) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    total = 0
    for number in range(numbers):
        # The port has five digits in the count whatever it is in this run.
        asked = f"GET /{number} HTTP/1.1\r\nHost: {HOST}:00000\r\n\r\n".encode()
        writer.write(asked)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(len(str(number)))
        total += len(asked) + len(head) + len(body)
    writer.close()
    return total


async def _pushed(numbers: int) -> int:
    """Handshake included; every frame is counted as it went over the wire."""

    async def speak(connection: ServerConnection) -> None:
        for number in range(numbers):
            await connection.send(str(number))

    async with serve(speak, HOST, 0, compression=None, server_header=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        reader, writer = await asyncio.open_connection(HOST, port)
        asked = frames.request("/", f"{HOST}:{port}", None).encode()
        writer.write(asked)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            total = len(asked) - len(str(port)) + 5 + len(head)
            for number in range(numbers):
                frame = Frame(Opcode.TEXT, str(number).encode()).serialize(mask=False)
                total += len(await reader.readexactly(len(frame)))
        writer.close()
    return total
