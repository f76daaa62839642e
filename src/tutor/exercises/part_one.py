"""The checks of exercises 1 to 6: each answer is held against the real thing, run."""

from __future__ import annotations

import ast
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from websockets.server import ServerProtocol

from tutor import children, frames
from tutor.exercises.answers import (
    NotYet,
    compare,
    given,
    inside,
    knock,
    names,
    short,
    told,
)
from tutor.servers import serving


def install(code: str, folder: Path) -> str:
    """Step 1: what a handshake asks, what came, and what a yes would be."""
    said = names(code, folder)
    with serving(["python", "manage.py", "runserver"], folder) as server:
        came, _ = knock(server, "/ws/whole1/")
    yes = ServerProtocol()
    yes.receive_data(frames.request("/", "127.0.0.1", None).encode())
    answer = yes.accept(next(iter(yes.events_received())))  # type: ignore[arg-type]
    if str(said.get("wish")).lower() != "upgrade":
        raise NotYet("wish: which header of the request names the protocol wished for?")
    if said.get("came") != came:
        raise NotYet("came: read the first line of the answer.")
    if said.get("wanted") != answer.status_code:
        raise NotYet(
            "wanted: the status that says the connection switches its protocol."
        )
    proof = str(said.get("proof"))
    if not proof.lower().startswith("sec-websocket") or proof not in answer.headers:
        raise NotYet(
            "proof: a server that says yes sends no such header, or it proves nothing."
        )
    return f"A server that says yes sends {answer.status_code} and {proof}."


_OWNER = """
import json
from django.conf import settings
settings.configure(INSTALLED_APPS={apps!r}, DEBUG=True)
import django
django.setup()
from django.core.management import get_commands
print(json.dumps(get_commands()["runserver"].rpartition(".")[2]))
"""
_APPS = {
    "daphne": "daphne",
    "staticfiles": "django.contrib.staticfiles",
    "channels": "channels",
}


def installed_apps(code: str, folder: Path) -> str:
    """Step 2: who owns runserver in each of four orders; Django is asked."""
    mine = given(names(code, folder), "owner", dict)

    def ask(order: str) -> str:
        apps = [_APPS[word] for word in order.split(", ") if word in _APPS]
        done = children.run(["python", "-c", _OWNER.format(apps=apps)], folder, 20)
        return str(json.loads(done.out.strip().splitlines()[-1]))

    orders = [
        "daphne, staticfiles",
        "staticfiles, daphne",
        "staticfiles, channels",
        "channels",
    ]
    with ThreadPoolExecutor(2) as pool:
        true = dict(zip(orders, pool.map(ask, orders), strict=True))
    return compare(mine, true, "Django")


_COURIER = """
import asyncio, json
from channels.layers import InMemoryChannelLayer

class Layer(InMemoryChannelLayer):
    sent = 0
    async def send(self, channel, message):
        self.sent += channel == "door"
        await super().send(channel, message)

async def left(layer):
    try:
        return await asyncio.wait_for(layer.receive("door"), 0.1)
    except TimeoutError:
        return None

async def judge():
    one, two = Layer(expiry=5), Layer(expiry=0.3)
    got = await asyncio.wait_for(in_time(one), 5)
    await asyncio.wait_for(too_late(two), 5)
    # Before our own attempt, which would fetch what is merely still waiting.
    waiting = await left(two)
    return {"got": got, "sent": [one.sent, two.sent], "late": waiting}

print(json.dumps(await judge()))
"""


def settings(code: str, folder: Path) -> str:
    """Step 3: a message received in time, and one that expired."""
    names(code, folder)
    seen = inside(code + _COURIER, folder)
    if seen["got"] != {"type": "knock"} or not seen["sent"][0]:
        raise NotYet(
            "in_time should send {'type': 'knock'} to \"door\" and return what comes; "
            f"it returned {seen['got']!r}. %hint helps, three times."
        )
    if not seen["sent"][1]:
        raise NotYet('too_late has sent nothing to "door".')
    if seen["late"] is not None:
        raise NotYet("too_late returned, and the message could still be received.")
    return "The first message arrived, the second one had expired."


def asgi(code: str, folder: Path) -> str:
    """Step 4: which origins pass the validator; each one knocks."""
    mine = given(names(code, folder), "gets_in", dict)
    origins = ["http://localhost", "https://localhost", "http://localhost:9999"]
    origins += ["http://localhost.evil.example", "null"]
    with serving(["daphne", "webapp.asgi:application"], folder) as server:
        with ThreadPoolExecutor(len(origins)) as pool:
            found = pool.map(
                lambda origin: knock(server, "/ws/whole1/", origin)[0], origins
            )
        true = {
            origin: status != 403 for origin, status in zip(origins, found, strict=True)
        }
    return compare(mine, true, "The validator")


_ROUTES = """
import asyncio, json
from channels.routing import URLRouter
from django.urls import path, re_path

async def here(scope, receive, send):
    pass

async def matched(pattern, paths):
    router, found = URLRouter([pattern]), []
    for one in paths:
        try:
            await router({"type": "websocket", "path": "/" + one}, None, None)
            found.append(one)
        except ValueError:
            pass
    return found

paths = ["ws/whole1/", "ws/whole1", "ws/whole1/more", "abcws/whole1/", "WS/WHOLE1/", ""]
patterns = {
    "path('ws/whole1/')": path("ws/whole1/", here),
    "re_path(r'ws/whole1/$')": re_path(r"ws/whole1/$", here),
    "re_path(r'ws/whole1/')": re_path(r"ws/whole1/", here),
    "re_path(r'^/ws/whole1/$')": re_path(r"^/ws/whole1/$", here),
}
print(json.dumps({name: await matched(one, paths) for name, one in patterns.items()}))
"""


def routing(code: str, folder: Path) -> str:
    """Step 5: which of six paths each pattern matches; URLRouter is asked."""
    mine = given(names(code, folder), "matches", dict)
    true = {name: set(found) for name, found in inside(_ROUTES, folder).items()}
    try:
        return compare(
            {key: set(value) for key, value in mine.items()}, true, "URLRouter"
        )
    except TypeError:
        raise NotYet(
            "each value is a set of paths, such as {'ws/whole1/'} or set()."
        ) from None


_PROTOTYPE = """

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
pages = get_asgi_application()

from master_app.answer import Close, Refuse

application = ProtocolTypeRouter({
    "http": pages,
    "websocket": URLRouter([
        path("refuse/", Refuse.as_asgi()),
        path("close/", Close.as_asgi()),
    ]),
})
"""


def consumer(code: str, folder: Path) -> str:
    """Step 6: refuse with 403, close with 4404, and which of them can be read."""
    tree = ast.parse(code)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    said = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and getattr(node.targets[0], "id", "") == "readable"
        and isinstance(node.value, ast.Constant)
    ]
    if not {"Refuse", "Close"} <= classes.keys():
        raise NotYet("two classes are needed, Refuse and Close.")
    (folder / "master_app" / "answer.py").write_text(code, encoding="utf-8")
    (folder / "webapp" / "answer.py").write_text(_PROTOTYPE, encoding="utf-8")
    command = [
        "daphne",
        "--application-close-timeout",
        "1",
        "webapp.answer:application",
    ]
    with serving(command, folder) as server:
        if not server.running:
            last = (server.log().strip().splitlines() or ["no word"])[-1]
            raise NotYet(f"the server ends with {short(last)}")
        with ThreadPoolExecutor(2) as pool:
            refuse, close = pool.map(
                lambda path: knock(server, path), ("/refuse/", "/close/")
            )
    if refuse[0] != 403:
        raise NotYet(
            f"Refuse should answer the handshake with 403; it gave {told(refuse)}."
        )
    if close != (101, 4404):
        raise NotYet(
            f"Close should accept and then close with 4404; it gave {told(close)}."
        )
    if said != ["close"]:
        raise NotYet(
            'readable: "refuse" or "close"? A browser shows 1006 where it got no code.'
        )
    return "A refusal is 1006 to a browser; 4404 after accepting is 4404 there."
