# mypy: ignore-errors
"""The facts that the checks of steps 1 to 6 judge, from one process.

Everything here is what Django, Channels and the project do when they are asked;
no file is read for its text.
"""

import asyncio
import os
import pkgutil
import threading
import time

from . import load
from .report import ROOT, emit, error_of, give_up_after

PATH = "/ws/whole1/"
NOBODY = "/ws/nobody/"
LIMIT = 8  # seconds for the whole process
PATIENCE = 1.5  # seconds for one event of a conversation


def main(arguments):
    give_up_after(LIMIT, lambda: load.stage[0])
    load.begin()
    if not load.settings() or not load.setup():
        return
    load.stage[0] = "facts"
    for fact in (problems, page, apps, commands):
        attempt(fact)
    if arguments and arguments[0] == "install":
        return
    attempt(layer)
    application = attempt(find_application)
    if application is not None:
        attempt(lambda: asyncio.run(conversation(application)), "conversation")


def attempt(fact, name=None):
    """Ask for one fact; a failure is a fact too."""
    try:
        return fact()
    except BaseException as error:
        emit("failed", stage=name or fact.__name__, error=error_of(error))
        return None


def problems():
    from django.core.checks import ERROR, run_checks

    found = [p for p in run_checks() if p.level >= ERROR and not p.is_silenced()]
    emit("problems", found=[{"id": p.id, "text": p.msg} for p in found])


def page():
    from django.conf import settings
    from django.test import Client

    # The client's own host is no host of the project.
    hosts = [h for h in settings.ALLOWED_HOSTS if not h.startswith((".", "*"))]
    client = Client(
        raise_request_exception=False, HTTP_HOST=(hosts or ["localhost"])[0]
    )
    emit("page", status=client.get("/").status_code)


def apps():
    """The project's own apps: those that are installed, those that are there."""
    from django.apps import apps as registry
    from django.conf import settings

    home = settings.SETTINGS_MODULE.partition(".")[0]
    installed = [
        c.name for c in registry.get_app_configs() if _is_own(c.path) and c.name != home
    ]
    there = [
        m.name
        for m in pkgutil.iter_modules([ROOT])
        if m.ispkg
        and m.name != home
        and any(
            os.path.exists(os.path.join(ROOT, m.name, name))
            for name in ("apps.py", "models.py", "consumers.py")
        )
    ]
    emit("apps", installed=installed, there=there, order=list(settings.INSTALLED_APPS))


def _is_own(path):
    full = os.path.realpath(path)
    return full.startswith(ROOT + os.sep) and "site-packages" not in full


def commands():
    """Who answers ``runserver`` and ``runworker``."""
    from django.core.management import get_commands, load_command_class

    owners = get_commands()
    found = {}
    for name in ("runserver", "runworker"):
        if name in owners:
            command = load_command_class(owners[name], name)
            found[name] = [kind.__module__ for kind in type(command).__mro__]
    emit("commands", **found)


def layer():
    """Send one message through the default layer, and receive it."""
    from channels.layers import get_channel_layer

    async def round_trip():
        chosen = get_channel_layer()
        if chosen is None:
            return None
        name = await chosen.new_channel()
        await chosen.send(name, {"type": "tutor.check", "n": 7})
        got = await asyncio.wait_for(chosen.receive(name), PATIENCE)
        return got.get("n")

    emit("layer", got=asyncio.run(round_trip()))


def find_application():
    from django.conf import settings

    name = getattr(settings, "ASGI_APPLICATION", None)
    emit("asgi", name=name)
    if not isinstance(name, str) or "." not in name:
        return None
    application = load.path_of(name)
    emit("application", callable=callable(application))
    return application if callable(application) else None


def _scope(path):
    return {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")],
        "subprotocols": [],
        "client": ["127.0.0.1", 40000],
        "server": ["127.0.0.1", 8000],
        "asgi": {"version": "3.0"},
    }


class Talk:
    """One client's conversation with an application, without a server."""

    def __init__(self, application, path):
        self.inbox = asyncio.Queue()
        self.outbox = asyncio.Queue()
        self.task = asyncio.ensure_future(
            application(_scope(path), self.inbox.get, self.outbox.put)
        )

    async def say(self, kind, **keys):
        await self.inbox.put({"type": kind, **keys})

    async def hear(self):
        """The next message of the application; None if none comes."""
        heard = asyncio.ensure_future(self.outbox.get())
        await asyncio.wait(
            [heard, self.task], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        if heard.done():
            return heard.result()
        heard.cancel()
        return None

    async def ended(self):
        """True if the application ends by itself."""
        await asyncio.wait([self.task], timeout=PATIENCE)
        return self.task.done() and self.task.exception() is None

    def error(self):
        return self.task.exception() if self.task.done() else None

    def leave(self):
        self.task.cancel()


async def conversation(application):
    """Knock, talk, leave; report what came and how long the loop stood still."""
    met = _watch_consumers()
    watch = Watch()
    for path, name in ((NOBODY, "nobody"), (PATH, "knock")):
        met.clear()
        talk = Talk(application, path)
        await talk.say("websocket.connect")
        first = await talk.hear()
        error = talk.error()
        emit(
            name,
            consumer=met.get("consumer"),
            user=met.get("user"),
            first=first,
            error=error_of(error) if error else None,
        )
        if path == NOBODY or (first or {}).get("type") != "websocket.accept":
            talk.leave()
    if (first or {}).get("type") != "websocket.accept":
        return
    await talk.hear()
    await talk.say("websocket.receive", text="next")
    await talk.hear()
    watch.stop()
    emit("stood-still", seconds=watch.longest)
    await talk.say("websocket.disconnect", code=1000)
    ended = await talk.ended()
    error = talk.error()
    emit("left", ended=ended, error=error_of(error) if error else None)
    talk.leave()


def _watch_consumers():
    """Note which consumer is reached, and whether it knows who knocks."""
    from channels import consumer
    from channels.routing import URLRouter

    met = {}
    real_call, real_route = consumer.AsyncConsumer.__call__, URLRouter.__call__

    async def call(self, scope, receive, send):
        if not type(self).__module__.startswith("channels."):
            met["consumer"] = type(self).__qualname__
        return await real_call(self, scope, receive, send)

    async def route(self, scope, receive, send):
        met["user"] = "user" in scope
        return await real_route(self, scope, receive, send)

    consumer.AsyncConsumer.__call__, URLRouter.__call__ = call, route
    return met


class Watch:
    """How long the event loop did nothing although this process was running.

    A thread counts its own short naps between two beats of the loop: a machine
    that stands still stops the thread as well, and is not taken for a project
    that sleeps.
    """

    NAP = 0.01

    def __init__(self):
        self.longest = 0.0
        self._beat = 0
        self._going = True
        self._loop = asyncio.get_running_loop()
        self._tick()
        threading.Thread(target=self._count, daemon=True).start()

    def _tick(self):
        self._beat += 1
        if self._going:
            self._loop.call_later(self.NAP, self._tick)

    def _count(self):
        seen, still = 0, 0
        while self._going:
            time.sleep(self.NAP)
            still = still + 1 if self._beat == seen else 0
            seen = self._beat
            self.longest = max(self.longest, still * self.NAP)

    def stop(self):
        self._going = False
