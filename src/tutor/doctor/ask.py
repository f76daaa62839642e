"""What is asked of the running server, path by path: by strangers, then by members."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from tutor.doctor.answers import TURNED_AWAY, Answers, Client
from tutor.doctor.child import Event, Live
from tutor.doctor.lookups import EITHER
from tutor.doctor.talking import OPENING, Talking

FOREIGN = "http://evil.example"
KILLING = 2.5  # seconds for it to end those that go on without a client
PRINTING = 3.0  # seconds for the server to print why a consumer has ended
READY = 8.0  # seconds for the server to make a user, and what a user asks for

_tags = itertools.count(1)


def _is(kind: str, conn: str, event: Event) -> bool:
    return (event["kind"], event.get("conn")) == (kind, conn)


def _lacks_a_table(links: list[Event]) -> bool:
    """Whether nobody has migrated yet."""
    return "no such table" in links[-1]["text"]


def _lacks_redis(links: list[Event]) -> bool:
    """Whether Redis did not answer."""
    return any(
        link["module"] == "redis.exceptions"
        and link["type"] in ("ConnectionError", "TimeoutError")
        for link in links
    )


class Conversation(Talking):
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
        super().__init__(live, port, host)
        self.origin = origin or f"http://{host}"
        self.words = words or {}
        self.personal = personal
        self.seen = Answers(asked=True)
        fewer = [key for key in keys if key not in EITHER]
        self.texts = [
            json.dumps(dict.fromkeys(keys or ["message"], "hi")),
            "next",
            json.dumps(dict.fromkeys(fewer or ["message"], "hi")),
        ]

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
        bare = [path for path in paths if self._failed(path, _lacks_a_table)]
        cut = [path for path in paths if self._failed(path, _lacks_redis)]
        left = [path for path in paths if self._is_closed(path) or self._asks(path)]
        wanted = [*left, *bare, *cut]
        ways = await self.prepared(wanted) if wanted else []
        for path in dict.fromkeys([*(bare if ways else ()), *cut]):
            await self._again(path)
            left += [path] if self._is_closed(path) or self._asks(path) else []
        for signed in ways:
            for path in left:
                await self.whole(path, signed)
            left = [path for path in left if self._is_closed(path)]
        if self.seen.page in TURNED_AWAY and ways:
            await self.request("/", {"x-tutor-signin": ways[0]}, OPENING)
        for path in await pages():
            status = await self.request(path, {}, OPENING)
            if status is None:
                break  # the next would wait behind it
            if status in TURNED_AWAY and ways:
                await self.request(path, {"x-tutor-signin": ways[0]}, OPENING)
        await self.printed()
        return self.seen

    def _failed(self, path: str, lacks: Callable[[list[Event]], bool]) -> bool:
        """Whether what nobody has prepared yet hides all that comes behind."""
        tags = {one.tag for one in self.seen.clients if one.path == path}
        return any(
            event.get("conn") in tags and lacks(event["error"])
            for event in self.live.told().all("failed")
        )

    async def _again(self, path: str) -> None:
        """Ask once more, now that there are tables, and a layer that answers."""
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

    async def printed(self) -> None:
        """Wait until the server has looked at every consumer that has ended.

        Who does not come back it ends itself, a second after the client has gone.
        And at the tasks that were left a moment later: after the last client, too, if
        there were any before.  Where there were none, nobody waits for that moment.
        """
        end = time.monotonic() + KILLING
        for client in self.seen.everyone:
            if client.status == 101:
                gone, left = partial(_is, "ended", client.tag), end - time.monotonic()
                await self.live.heard(gone, max(left, 0.0))
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

    async def whole(self, path: str, signed: str = "") -> None:
        """Two clients, both kinds of text, rubbish, all it knows, and a good-bye."""
        one = self.joined(path, signed)
        socket = await self.open(one)
        if socket is None:
            return
        two = self.joined(path, signed)
        await asyncio.gather(
            self.talk(one, socket, [("json", self.texts[0]), ("json", self.texts[2])]),
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

    async def page(self) -> int | None:
        """The status of the page at ``/``."""
        return await self.request("/", {}, OPENING)
