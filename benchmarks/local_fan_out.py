"""What one message to 1,000 clients of one process costs, by three ways to send it.

``group_send`` to each client's own channel is what the project did until step 14. From
step 15 on one channel listens for all, and the text is encoded once; that is plain
ASGI. Both are measured under Daphne and under uvicorn, each against itself: what a
server needs for writing to a socket stands in both figures. The third way is
``websockets`` on its own, without ASGI, with its ``broadcast``. What counts are the
server's seconds of the processor for each delivery, so the clients, in a process of
their own, are not the limit. Nothing is stored: the event itself is sent. The bounds
have to hold for one ASGI server; the figures of both are printed.

    python benchmarks/local_fan_out.py [--rounds 3]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

sys.path.append(str(Path(__file__).parent))  # which -P leaves out

from _timing import real_servers, rounds

from tutor import places, trees
from tutor.checks.visitor import Person, logged_in
from tutor.client import cookie
from tutor.course import Course
from tutor.crowd import crowd, work
from tutor.servers import Server, serving

CLIENTS = 1000
EACH = 40  # sockets of one user
GROUP, OURS, ALONE = "group_send", "fan-out", "websockets"
MESSAGES = {GROUP: 20, OURS: 60, ALONE: 60}
DAPHNE = ["daphne", "--ping-interval", "600", "bench:application"]
UVICORN = ["python", "-m", "uvicorn", "bench:application", "--port", "PORT",
           "--lifespan", "off", "--log-level", "warning", "--ws-ping-interval", "600",
           "--ws-per-message-deflate", "false"]  # fmt: skip
SERVERS = {"Daphne": DAPHNE, "uvicorn": UVICORN}
TIMES = 15  # cheaper than group_send, at least
SHARE = 0.30  # of what websockets reaches, at least

# The project, and a door through which the messages are asked for.
ASGI = """
import asyncio, os, time
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
from webapp.asgi import application as project
from channels.layers import get_channel_layer
from master_app import presence, sessions

PAUSE = 0.02  # seconds, in which a message leaves before the next
presence.TURN = sessions.TURN = 600  # seconds: nothing but the messages is measured

async def application(scope, receive, send):
    if scope["type"] != "http" or not scope["path"].startswith("/send/"):
        return await project(scope, receive, send)
    for number in range(int(scope["path"].removeprefix("/send/"))):
        reading = {"type": "reading", "id": number, "value": number % 100}
        event = {"type": "readings.new", "reading": reading}
        await get_channel_layer().group_send("readings", event)
        await asyncio.sleep(PAUSE)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""
WITHOUT_ASGI = """
import asyncio, json, sys
from http import HTTPStatus
from websockets.asyncio.server import broadcast, serve

async def door(connection, request):
    if request.path.startswith("/send/"):
        for number in range(int(request.path.removeprefix("/send/"))):
            reading = {"type": "reading", "id": number, "value": number % 100}
            broadcast(server.connections, json.dumps(reading))
            await asyncio.sleep(0.02)
        return connection.respond(HTTPStatus.OK, "")

async def stay(socket):
    await socket.wait_closed()

async def main():
    global server
    server = await serve(
        stay, "127.0.0.1", int(sys.argv[1]), process_request=door,
        compression=None, ping_interval=None,
    )
    print("Listening on", flush=True)
    await server.wait_closed()

asyncio.run(main())
"""


def measure(server: Server, cookies: Sequence[str], messages: int) -> float:
    """Microseconds of the server's processor for one delivery."""
    with crowd(server, CLIENTS, cookies) as clients:
        before = work(server)
        with urlopen(f"{server.url}/send/{messages}", timeout=120):
            for _ in range(messages):
                clients.next(60)
        return (work(server) - before) / messages / CLIENTS * 1e6


def main() -> None:
    real_servers()
    times = rounds(__doc__, 3)
    course = Course.load(places.root())
    before = next(s.number for s in course.steps if s.slug == "load") - 1
    costs: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[tuple[str, str], tuple[Path, list[str], list[str]]] = {}
        for name, step in ((GROUP, before), (OURS, len(course.steps))):
            project = Path(folder) / name
            project.mkdir()
            tree = course.tree(step)
            assert tree is not None
            trees.copy(tree, project)
            (project / "bench.py").write_text(ASGI)
            who = [Person(f"user{n}") for n in range(CLIENTS // EACH)]
            jars = [cookie(jar) for jar in logged_in(project, None, *who)]
            for server, argv in SERVERS.items():
                ways[name, server] = project, argv, jars
        (Path(folder) / "alone.py").write_text(WITHOUT_ASGI)
        ways[ALONE, "alone"] = Path(folder), ["python", "alone.py", "PORT"], []
        for _ in range(times):
            for way, (project, argv, jars) in ways.items():
                with serving(argv, project) as server:
                    cost = measure(server, jars, MESSAGES[way[0]])
                print(f"  {' '.join(way)}: {cost:.1f} µs", file=sys.stderr)
                costs.setdefault(way, []).append(cost)
    medians = {way: statistics.median(found) for way, found in costs.items()}
    for way, median in medians.items():
        print(f"{' '.join(way):>18}: {median:6.1f} µs of the processor for a delivery")
    good = []
    for name in SERVERS:
        cheaper = medians[GROUP, name] / medians[OURS, name]
        share = medians[ALONE, "alone"] / medians[OURS, name]
        print(
            f"{name:>18}: {cheaper:.1f} times as cheap as {GROUP}, and "
            f"{share:.0%} of what {ALONE} reaches on its own"
        )
        if cheaper >= TIMES and share >= SHARE:
            good.append(name)
    print(
        f"{CLIENTS} clients of one process, {times} rounds; "
        f"wanted of one server: {TIMES} times, and {SHARE:.0%}"
    )
    if not good:
        sys.exit("That is too dear.")


if __name__ == "__main__":
    main()
