"""What people do with a broken project and see: two clients, a form, a browser.

The doctor's own clients speak no project's language.  A mistake that only shows
when someone does has a ``[scene]`` in its file; it is played here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tutor import children, servers
from tutor.doctor import gathering, working
from tutor.doctor.browsing import SECONDS, Scene, opened
from tutor.servers import Server

HELLO = json.dumps({"type": "hello", "after": 0})  # is answered with a welcome
TOKEN = "a" * 32  # Django compares the form's with the cookie's, no more
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
UNHEARD = "101, unheard"
TOOLS = {True: "the program is let in", False: "the program is refused"}


def play(scene: Scene, project: Path, awaited: str = "") -> tuple[str, str]:
    """Start the project's server, do what the scene says, and end it.

    Args:
        scene: ``path`` for two clients, and what happens then: ``say``, a text
            that the first one sends, or ``post``, a form.  Or ``page``: open it
            in a browser, and with ``shows``, an element that has ``first`` in it,
            say what it shows then.  Or ``get``: ask for its title.  Or ``redis``:
            see ``apart``.  Or ``workers``: so many
            do a job.  Or ``front``: ask through nginx.
            Or ``script``: run it, with the server's address.
            Or ``bound``: see ``bound``.
            Or ``probe`` or ``end``: see ``operating``.  Or ``start`` or
            ``command``: see ``starting``.
        project: the folder of ``manage.py``.
        awaited: a text that the log will hold; it may come after what is seen.

    Returns:
        What was seen, in the words of the mistakes' files, and what was printed.
    """
    if "front" in scene:
        from tutor.doctor import fronting  # which needs this module

        return fronting.play(scene, project, awaited)
    if "redis" in scene:
        from tutor.doctor import apart  # which needs this module

        return apart.play(scene, project, awaited)
    if "bound" in scene:
        from tutor.doctor import bound  # which needs this module

        return bound.play(scene, project)
    if scene.keys() & {"start", "command"} and "workers" not in scene:
        from tutor.doctor import starting

        return starting.play(scene, project, awaited)
    if scene.keys() & {"probe", "end", "twice"}:
        from tutor.doctor import operating

        return operating.play(scene, project, awaited)
    if "workers" in scene:
        return working.play(scene, project, awaited)
    argv = ["daphne", gathering.guess(project)]
    if "page" in scene:
        argv = ["python", "manage.py", "runserver"]  # it serves the page's files
    with servers.serving(argv, project) as server:
        if not server.running:
            return "server does not start", server.log()
        if "script" in scene:
            told = [sys.executable, scene["script"], server.ws]
            result = children.run(told, project, SECONDS)
            return TOOLS[result.code == 0], result.out + server.log()
        if "get" in scene:
            return title(server, scene["get"]), server.log()
        if "page" in scene:
            seen, console = opened(
                server, scene["page"], None, scene, awaited, server.log
            )
        else:
            seen, console = asyncio.run(talk(server, scene)), ""
        if awaited not in console:
            server.child.wait_for(lambda out: awaited in out, 3)
        return seen, console + server.log()


async def talk(
    server: Server,
    scene: Scene,
    other: Server | None = None,
    act: Callable[[], object] | None = None,
    patience: float = 0,
) -> str:
    """Two clients on one path; does the second hear what the first one causes?

    Args:
        server: where the first one is.
        scene: what is played.
        other: where the second one is, if elsewhere.
        act: what happens meanwhile.
        patience: seconds that an event may take from one process to another.

    Returns:
        What was seen, in the words of the mistakes' files.
    """
    async with AsyncExitStack() as open_sockets:
        try:
            first, second = [
                await open_sockets.enter_async_context(
                    connect(
                        one.ws + scene["path"],
                        origin=Origin(one.url),
                        proxy=None,
                    )
                )
                for one in (server, other or server)
            ]
        except InvalidStatus as refused:
            return str(refused.response.status_code)
        try:
            if "say" in scene:
                await first.send(scene["say"])
            if act is not None:
                await asyncio.to_thread(act)
            if "post" in scene:
                status = await asyncio.to_thread(posted, server, scene)
                if status >= 400:
                    return f"form: {status}"
            # An answered message marks the time: what was sent before has come.
            # The second client asks twice, as its two sources have no order.
            heard = [await until_welcome(one) for one in (first, second, second)]
            if "reading" not in heard[1] + heard[2]:
                heard[2] += await within(second, patience)
        except ConnectionClosed as closed:
            return f"101, then {closed.rcvd.code if closed.rcvd else 1006}"
    return "101" if "reading" in heard[1] + heard[2] else UNHEARD


async def until_welcome(client: ClientConnection) -> list[str]:
    """Say hello; the types of all messages that come before the answer."""
    await client.send(HELLO)
    heard: list[str] = []
    async with asyncio.timeout(SECONDS):
        while (kind := json.loads(await client.recv())["type"]) != "welcome":
            heard.append(kind)
    return heard


async def within(client: ClientConnection, seconds: float) -> list[str]:
    """The types of all messages that come, until a reading has come."""
    heard: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while "reading" not in heard:
                heard.append(json.loads(await client.recv())["type"])
    return heard


def posted(server: Server, scene: Scene) -> int:
    """Send a form as a page of the project would; the status of the answer."""
    request = urllib.request.Request(
        server.url + scene["post"],
        scene["form"].encode(),
        {"Cookie": f"csrftoken={TOKEN}", "X-CSRFToken": TOKEN},
    )
    try:
        with DIRECT.open(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def title(server: Server, path: str) -> str:
    """The title of a page."""
    with DIRECT.open(server.url + path, timeout=SECONDS) as answer:
        found = re.search("<title>(.*?)</title>", answer.read().decode(), re.S)
    return found[1].strip() if found else ""
