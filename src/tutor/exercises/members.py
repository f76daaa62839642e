"""The check of exercise 12: who may publish, asked by real people on real sockets.

The learner's function runs in the project, with a database of the exercise's own, and
is asked by the project's consumer as an awaited one would be.
"""

from __future__ import annotations

from pathlib import Path

from tutor.exercises.answers import NotYet, complete, inside

JUDGE = """
import asyncio, inspect, json
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.management import call_command
from django.test import AsyncClient
from django.urls import path
from master_app import readings
from master_app.consumers import ReadingsConsumer
from master_app.messages import Publish

PEOPLE = {  # name: rights, groups, may
    "bob": ({}, ["publishers"], True),
    "eve": ({}, [], False),
    "ada": ({"is_staff": True}, [], False),
    "root": ({"is_staff": True, "is_superuser": True}, [], False),
    "cleo": ({}, ["publishers abroad"], False),
    "dan": ({"is_staff": True}, ["readers", "publishers"], True),
}


class Wrong(Exception):
    pass


class Asking(ReadingsConsumer):
    async def receive_json(self, message):
        if not isinstance(message, Publish):
            await super().receive_json(message)
        elif await may_publish(self.scope["user"]):
            await readings.publish(message.value)
        else:
            await self.complain("forbidden", "Members only.")


router = AuthMiddlewareStack(URLRouter([path("", Asking.as_asgi())]))


@sync_to_async
def people():
    call_command("migrate", verbosity=0)
    cookies = {}
    for name, (rights, groups, _) in PEOPLE.items():
        user, _ = User.objects.get_or_create(username=name, defaults=rights)
        user.groups.set([Group.objects.get_or_create(name=one)[0] for one in groups])
        client = AsyncClient()
        client.force_login(user)
        cookies[name] = client.cookies.output(attrs=[], header="", sep=";").encode()
    return cookies


async def done(who, what, call):
    try:
        return await asyncio.wait_for(call, 5)
    except TimeoutError:
        raise Wrong(f"{who}: {what} does not end.") from None
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:120]
        raise Wrong(f"{who}: {what} ends with {text}") from None


async def publishes(who, talk):
    await talk.send_json_to({"type": "publish", "value": 7})
    while True:
        said = await done(who, "publish", talk.receive_json_from(2))
        if said["type"] == "reading":
            return True
        if said["type"] == "error":
            return False


async def enter(who, cookie):
    talk = WebsocketCommunicator(router, "/", headers=[(b"cookie", cookie)])
    await done(who, "connecting", talk.connect(timeout=5))
    return talk


async def judge():
    if not inspect.iscoroutinefunction(may_publish):
        raise Wrong("the consumer awaits may_publish, so it is an `async def`.")
    cookies = await people()
    for who, (rights, groups, may) in PEOPLE.items():
        talk = await enter(who, cookies[who])
        if await publishes(who, talk) != may:
            role = "a superuser" if "is_superuser" in rights else "on the staff"
            role = f"{role}, " if rights else ""
            said = f"{who}, {role}in the groups {groups}"
            raise Wrong(f"{said}: {'refused' if may else 'may publish'}.")
        await talk.disconnect()
    talk = await enter("bob", cookies["bob"])
    bob = await User.objects.aget(username="bob")
    group = await Group.objects.aget(name="publishers")
    for change, may in ((None, True), ("aremove", False), ("aadd", True)):
        if change:
            await getattr(bob.groups, change)(group)
        if await publishes("bob", talk) != may:
            raise Wrong(
                "bob left the group and came back, all on one socket: "
                f"{'he is still refused' if may else 'he still publishes'}."
            )
    await talk.disconnect()
    if await done("a stranger", "asking", may_publish(AnonymousUser())):
        raise Wrong("a stranger may publish.")
    return len(PEOPLE)


# What a consumer raised is told by us, and not once more when it is collected.
asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
try:
    print(json.dumps({"people": await judge()}))
except Wrong as wrong:
    print(json.dumps({"wrong": str(wrong)}))
"""


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    complete(code, "function", "may_publish")
    seen = inside(code + JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    return f"{seen['people']} people, and a group that changed: each as it should be."
