"""The check of exercise 10: rooms, tried by clients that want to hear the others.

The learner's consumer runs in the project, behind the route that the exercise gives,
beside the project's own ``ws/readings/``.  All of it happens in one process and in
memory, so that who is a member of what can be counted.
"""

from __future__ import annotations

from pathlib import Path

from tutor.exercises.answers import NotYet, complete, inside

JUDGE = """
import asyncio, json, time
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.urls import path
from urllib.parse import quote
from master_app import readings
from master_app.consumers import ReadingsConsumer

ODD = [
    "readings", "room.kitchen", "kitchen", "Kitchen", "kitchen ", "kit.chen",
    "kit-chen", "kit_chen", "Küche", "Kuche", "bob@example.com", "bob-example.com",
    "bob.example.com", "a b", "a+b", "<b>", "specific.inmemory!a", "..", "💡",
    "x" * 99, "x" * 100, "x" * 200, "x" * 200 + "y",
]
router = URLRouter([
    path("ws/readings/", ReadingsConsumer.as_asgi()),
    path("ws/readings/<str:room>/", RoomConsumer.as_asgi()),
])
groups = get_channel_layer().groups


class Wrong(Exception):
    pass


class Client:
    def __init__(self, room):
        self.room, self.heard = room, []
        self.name = f"the room {room[:30]!r}" if room else "ws/readings/"
        below = quote(room, safe="") + "/" if room else ""
        self.talk = WebsocketCommunicator(router, "/ws/readings/" + below)

    async def done(self, what, call):
        try:
            return await asyncio.wait_for(call, 3)
        except TimeoutError:
            raise Wrong(f"{self.name}: {what} does not end.") from None
        except Exception as error:
            text = f"{type(error).__name__}: {error}"[:99]
            raise Wrong(f"{self.name}: {what} ends with {text}") from None

    async def enter(self):
        return (await self.done("connecting", self.talk.connect(timeout=2)))[0]

    async def say(self, message):
        await self.done("sending", self.talk.send_json_to(message))

    async def hear(self):
        return await self.done("a message", self.all())

    async def all(self):
        # An answer may take a thread; what never comes costs this time.
        while not await self.talk.receive_nothing(0.02, 0.005):
            output = await self.talk.receive_output(1)
            if output["type"] == "websocket.close":
                raise RuntimeError("the socket was closed")
            self.heard.append(json.loads(output["text"]))
        return self.heard

    async def leave(self):
        await self.done("leaving", self.talk.disconnect())


async def hears(client, message):
    end = time.monotonic() + 3
    while message not in await client.hear():
        if time.monotonic() > end:
            return False
    return True


async def together():
    hall, ada, bob, eve = map(Client, ("", "kitchen", "kitchen", "cellar"))
    for one in (hall, ada, bob, eve):
        if not await one.enter():
            raise Wrong(f"{one.name} let nobody in.")
    words = [{"type": "publish", "value": 7}, {"type": "websocket.close"}, "soup"]
    for word in words:
        await ada.say(word)
        for one in (ada, bob):
            if not await hears(one, word):
                raise Wrong(f"{json.dumps(word)} did not reach each of its room.")
    # Whoever is to hear nothing hears something of its own last.
    await eve.say("salt")
    await readings.publish(8)
    reading = {"type": "reading", "id": readings.last, "value": 8}
    for one, last in ((eve, "salt"), (hall, reading)):
        if not await hears(one, last):
            raise Wrong(f"{one.name} does not hear its own {json.dumps(last)}.")
    if eve.heard != ["salt"]:
        raise Wrong(f"{eve.name} heard what was said in {ada.name}.")
    if len(hall.heard) > 1:
        raise Wrong("ws/readings/ heard what was said in a room.")
    for one in (ada, bob):
        if await one.hear() != words:
            raise Wrong(f"{one.name} heard {one.heard[-1]!r} as well.")
    for one in (hall, ada, bob, eve):
        await one.leave()
    if any(groups.values()):
        raise Wrong("all clients have left, and a group still has a member.")


async def apart():
    everyone = [Client("")] + [Client(room) for room in ODD]
    inside = [one for one in everyone if await one.enter()]
    if inside[0].room:
        raise Wrong("ws/readings/ let nobody in.")
    for one in inside[1:]:
        await one.say({"from": one.room})
        if not await hears(one, {"from": one.room}):
            raise Wrong(f"{one.name}: a message does not come back.")
    for one in inside:
        for message in await one.hear():
            if message != {"from": one.room}:
                said = Client(message.get("from") or "")
                raise Wrong(f"{one.name} heard what was said in {said.name}.")
    for one in inside:
        await one.leave()
    return len(inside) - 1


# What a consumer raised is told by us, and not once more when it is collected.
asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
try:
    await together()
    print(json.dumps({"rooms": await apart(), "of": len(ODD)}))
except Wrong as wrong:
    print(json.dumps({"wrong": str(wrong)}))
"""


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    complete(code, "class", "RoomConsumer")
    seen = inside(code + JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    turned = seen["of"] - seen["rooms"]
    more = f", and {turned} refused" if turned else ""
    return (
        f"{seen['rooms']} rooms with odd names{more}, and nothing leaks between them."
    )
