"""Ask the running server: knock, talk, send rubbish, leave; over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin

from tutor.doctor.child import Event, Live

FOREIGN = "http://evil.example"
OPENING = 2.5  # seconds for a handshake
ANSWER = 1.0  # seconds for one message to be dealt with
ENDING = 1.0  # seconds for the server to close the socket of a crashed consumer
PRINTING = 3.0  # seconds for the server to print why a consumer has ended
LEAVING = 1.3  # seconds for a consumer to end after its client has gone
TURNED_AWAY = (301, 302, 401, 403)  # statuses of a page for members
READY = 8.0  # seconds for the server to make a user, and what a user asks for
TURNS = 5  # of the server's loop: what it has begun by itself has come to its end

_tags = itertools.count(1)


@dataclass
class Client:
    """One client and what it saw.

    Args:
        tag: its name in the server's report.
        path: where it knocked.
        status: the handshake's status; None where no answer came.
        heard: every message.
        closed: the close code, where the server closed the socket.
        quiet: what was being done when the handler did not come back.
        phase: what it had done last, for the report.
        signed: how it has signed in: "session", "token"; empty for a stranger.
    """

    tag: str
    path: str
    origin: str | None
    status: int | None = None
    heard: list[str | bytes] = field(default_factory=list)
    closed: int | None = None
    quiet: str = ""
    phases: list[tuple[str, str]] = field(default_factory=list)
    signed: str = ""

    @property
    def turned_away(self) -> bool:
        """Whether it was refused, by an answer or before it could say anything."""
        if self.status == 101:
            return self.closed is not None and not self.phases
        return self.status is not None and 300 <= self.status < 500


@dataclass
class Answers:
    """What the clients of one server saw.

    Args:
        clients: the strangers.
        members: those who had signed in, where strangers are turned away.
        bare: strangers who came before there were any tables.
    """

    clients: list[Client] = field(default_factory=list)
    members: list[Client] = field(default_factory=list)
    bare: list[Client] = field(default_factory=list)
    foreign: dict[str, int | None] = field(default_factory=dict)
    missing: dict[str, int | None] = field(default_factory=dict)
    page: int | None = None
    asked: bool = False

    @property
    def everyone(self) -> list[Client]:
        """Strangers first, then those who had signed in."""
        return [*self.clients, *self.members]


def _is(kind: str, conn: str, event: Event) -> bool:
    return (event["kind"], event.get("conn")) == (kind, conn)


class Conversation:
    """All that is asked of one server."""

    def __init__(
        self,
        live: Live,
        port: int,
        host: str,
        keys: list[str],
        origin: str = "",
        words: Mapping[str, list[str]] | None = None,
        personal: Sequence[str] = (),
    ) -> None:
        self.live = live
        self.port = port
        self.host = host
        self.origin = origin or f"http://{host}"
        self.words = words or {}
        self.personal = personal
        self.seen = Answers(asked=True)
        self.texts = [json.dumps(dict.fromkeys(keys or ["message"], "hi")), "next"]

    async def ask(
        self, paths: list[str], pages: Callable[[], Awaitable[list[str]]]
    ) -> Answers:
        """Ask everything of each path, two at a time; and for some pages.

        Args:
            paths: where sockets are opened.
            pages: gives the paths of the project's own pages, when they are known.
        """
        self.seen.page = await self.page()
        for path in paths:
            await asyncio.gather(
                self.knock(path, FOREIGN, self.seen.foreign),
                self.knock(path, None, self.seen.missing),
                self.whole(path),
            )
        bare = [path for path in paths if self._lacks_a_table(path)]
        left = [path for path in paths if self._is_closed(path) or self._asks(path)]
        ways = await self.prepared([*left, *bare]) if left or bare else []
        for path in bare if ways else ():
            await self._again(path)
            left += [path] if self._is_closed(path) or self._asks(path) else []
        for signed in ways:
            for path in left:
                await self.whole(path, signed)
            left = [path for path in left if self._is_closed(path)]
        for path in await pages():
            status = await self.request(path, {}, OPENING)
            if status is None:
                break  # the next would wait behind it
            if status in TURNED_AWAY and ways:
                await self.request(path, {"x-tutor-signin": ways[0]}, OPENING)
        await self.printed()
        return self.seen

    def _lacks_a_table(self, path: str) -> bool:
        """Whether nobody has migrated yet, which hides all that comes behind."""
        tags = {one.tag for one in self.seen.clients if one.path == path}
        return any(
            event.get("conn") in tags and "no such table" in event["error"][-1]["text"]
            for event in self.live.told().all("failed")
        )

    async def _again(self, path: str) -> None:
        """Ask once more, now that there are tables."""
        self.seen.bare += [one for one in self.seen.clients if one.path == path]
        self.seen.clients = [one for one in self.seen.clients if one.path != path]
        await self.whole(path)

    def _is_closed(self, path: str) -> bool:
        """Whether nobody was let in there, and nothing was wrong with that."""
        mine = [one for one in self.seen.everyone if one.path == path]
        tags = {one.tag for one in mine}
        first = next(one for one in mine if one.signed == mine[-1].signed)
        return first.turned_away and not any(
            event.get("conn") in tags for event in self.live.told().all("failed")
        )

    def _asks(self, path: str) -> bool:
        """Whether strangers are let in, and members may be answered otherwise."""
        mine = [one for one in self.seen.clients if one.path == path]
        return (
            path in self.personal
            and bool(mine[0].phases)
            and not any(one.quiet for one in mine)
        )

    async def prepared(self, paths: list[str]) -> list[str]:
        """The ways to sign in, once the server has a user for us."""
        asking = asyncio.ensure_future(
            self.request("/", {"x-tutor-signin": ",".join(paths)}, READY)
        )
        told = await self.live.heard(lambda e: e["kind"] == "prepared", READY)
        asking.cancel()
        ways = ["session", "token"] if told and told["token"] else ["session"]
        return ways if told and told["ok"] else []

    def client(self, path: str, origin: str | None, signed: str = "") -> Client:
        return Client(f"c{next(_tags)}", path, origin, signed=signed)

    def joined(self, path: str, signed: str) -> Client:
        """A client of the project's own pages, who is remembered."""
        made = self.client(path, self.origin, signed)
        (self.seen.members if signed else self.seen.clients).append(made)
        return made

    def opening(self, client: Client) -> connect:
        headers = {"x-tutor-knock": client.tag}
        if client.signed:
            headers["x-tutor-signin"] = client.signed
        return connect(
            f"ws://{self.host}:{self.port}{client.path}",
            host="127.0.0.1",
            port=self.port,
            origin=Origin(client.origin) if client.origin else None,
            additional_headers=headers,
            proxy=None,
            compression=None,
            open_timeout=OPENING,
            close_timeout=0.5,
            ping_interval=None,
            max_size=None,
        )

    async def printed(self) -> None:
        """Wait until the server has looked at every consumer that has ended.

        And at the tasks that were left a moment later: after the last client, too, if
        there were any before.  Where there were none, nobody waits for that moment.
        """
        ended = [event["conn"] for event in self.live.told().all("ended")]
        for conn in ended:
            await self.live.heard(partial(_is, "printed", conn), PRINTING)
        tags = [client.tag for client in self.seen.everyone if client.tag in ended]
        for tag in tags:
            if tag == tags[-1]:
                counts = self.live.told().all("tasks")
                if not any(event["found"] for event in counts):
                    break
            await self.live.heard(partial(_is, "tasks", tag), PRINTING)

    async def knock(
        self, path: str, origin: str | None, into: dict[str, int | None]
    ) -> None:
        """Only the handshake's status."""
        client = self.client(path, origin)
        socket = await self.open(client)
        into[path] = client.status
        if socket is not None:
            await socket.close()

    async def open(self, client: Client) -> ClientConnection | None:
        """Knock; give up as soon as the application is idle without an answer."""
        opening = asyncio.ensure_future(self._opened(client))
        settled = asyncio.ensure_future(self.settled(client, 1, OPENING))
        await asyncio.wait({opening, settled}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            await asyncio.wait({opening}, timeout=0.4)
        if not opening.done():
            client.quiet = "connect"
            opening.cancel()
        elif client.status not in (None, 101):
            # The answer may be here before the consumer knows that we have gone.
            await self.settled(client, 2, LEAVING)
        with suppress(asyncio.CancelledError):
            return await opening
        return None

    async def _opened(self, client: Client) -> ClientConnection | None:
        try:
            socket = await self.opening(client)
            client.status = 101
            return socket
        except InvalidStatus as refused:
            client.status = refused.response.status_code
        except (TimeoutError, OSError, EOFError, WebSocketException):
            pass
        return None

    async def settled(self, client: Client, told: int, patience: float) -> Event | None:
        """Wait until the application has dealt with ``told`` messages, or ended.

        What it waited for a processor meanwhile is not its own time.
        """

        def done(event: Event) -> bool:
            if event.get("conn") != client.tag:
                return False
            return event["kind"] in ("ended", "killed") or (
                event["kind"] == "idle" and event["told"] >= told
            )

        began = self.live.starved()
        event = await self.live.heard(done, patience)
        waited = self.live.starved() - began
        return (
            await self.live.heard(done, waited) if not event and waited > 0 else event
        )

    async def whole(self, path: str, signed: str = "") -> None:
        """Two clients, both kinds of text, rubbish, all it knows, and a good-bye."""
        one = self.joined(path, signed)
        socket = await self.open(one)
        if socket is None:
            return
        two = self.joined(path, signed)
        await asyncio.gather(
            self.talk(one, socket, [("json", self.texts[0]), ("json", self.texts[0])]),
            self.second(two),
        )
        if not (one.quiet or two.quiet):
            await asyncio.gather(self.rubbish(path, signed), self.typed(path, signed))

    async def typed(self, path: str, signed: str) -> None:
        """Every message that the consumer tells apart; a new client after a crash."""
        left = [("typed", message) for message in self.words.get(path, [])]
        while left:
            client = self.joined(path, signed)
            socket = await self.open(client)
            if socket is None:
                return
            await self.talk(client, socket, left)
            if client.quiet or not client.phases:
                return
            left = left[len(client.phases) :]

    async def second(self, client: Client) -> None:
        socket = await self.open(client)
        if socket is not None:
            await self.talk(client, socket, [("text", self.texts[1])])

    async def rubbish(self, path: str, signed: str) -> None:
        """Binary where text is due; text once more where it was refused before."""
        client = self.joined(path, signed)
        socket = await self.open(client)
        if socket is not None:
            await self.talk(client, socket, [("binary", b"\x00\xff")])

    async def talk(
        self,
        client: Client,
        socket: ClientConnection,
        said: Sequence[tuple[str, str | bytes]],
    ) -> None:
        """Say each message, hear what comes, then leave and watch the end."""
        event = await self.settled(client, 1, ANSWER)
        if event is None:
            client.quiet = "connect"
        elif event["kind"] == "ended":
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(socket.wait_closed(), ENDING)
        told = 1
        for phase, message in said:
            await self.listen(client, socket)
            if client.closed is not None or client.quiet:
                break
            client.phases.append((phase, str(message)))
            try:
                await socket.send(message)
            except ConnectionClosed as closed:
                client.closed = closed.rcvd.code if closed.rcvd else 1006
                break
            told += 1
            event = await self.settled(client, told, ANSWER)
            if event is None and not client.quiet:
                client.quiet = phase
            elif event is not None and event["kind"] == "ended":
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(socket.wait_closed(), ENDING)
        await self.listen(client, socket)
        await socket.close()
        patience = 0.3 if client.quiet else LEAVING
        if await self.settled(client, told + 1, patience) is None:
            client.quiet = client.quiet or "disconnect"
        await self.settled_at_last(client)

    async def settled_at_last(self, client: Client) -> None:
        """A moment for what ends by itself after the handler has come back."""
        await self.live.heard(
            lambda event: event.get("conn") == client.tag and event["kind"] == "ended",
            0.1,
        )

    async def listen(self, client: Client, socket: ClientConnection) -> None:
        """Collect what has come.

        A pong comes after all that was sent before it.  Each says that the server's
        loop has turned once more, so an event that a handler has sent to its own
        consumer was dealt with, however slow the machine is.
        """
        moment = 0.002 if client.signed else 0.03  # what a member hears is hardly read
        with suppress(asyncio.TimeoutError):
            try:
                for _ in range(TURNS):
                    await asyncio.wait_for(await socket.ping(), ANSWER)
                while len(client.heard) < 500:
                    client.heard.append(await asyncio.wait_for(socket.recv(), moment))
            except ConnectionClosed as closed:
                client.closed = closed.rcvd.code if closed.rcvd else 1006

    async def page(self) -> int | None:
        """The status of the page at ``/``."""
        return await self.request("/", {}, OPENING)

    async def request(
        self, path: str, headers: Mapping[str, str], patience: float
    ) -> int | None:
        """The status of a page; None where no answer came."""
        told = {"Host": self.host, "Connection": "close", **headers}
        lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items())]
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write("\r\n".join([*lines, "", ""]).encode())
            line = await asyncio.wait_for(reader.readline(), patience)
            writer.close()
            return int(line.split()[1])
        except (TimeoutError, OSError, IndexError, ValueError):
            return None
