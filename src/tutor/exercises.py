"""The exercises' checks: each answer is held against the real thing, run."""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.server import ServerProtocol
from websockets.sync.client import connect
from websockets.typing import Origin

from tutor import (
    children,
    correcting,
    counting,
    frames,
    incidents,
    members,
    places,
    ranges,
    redis,
    rooms,
    traffic,
    waking,
)
from tutor.course import Course, Step
from tutor.report import Refusal
from tutor.servers import Server, serving

Names = Mapping[str, Any]
Verdict = str
SECONDS = 20  # that an answer may take
KNOCK_SECONDS = 3


class NotYet(Exception):
    """An answer that is not complete or not right; its text says what to look at."""


def check(slug: str, code: str, folder: Path) -> Verdict:
    """Check an answer; a line that begins with "Right" or "Not yet".

    Args:
        slug: the step's.
        code: the learner's cell.
        folder: the exercise's own copy of the project.
    """
    found = CHECKS.get(slug)
    if found is None:
        raise Refusal(f"The step {slug} has no exercise.")
    try:
        if slug not in IN_JAVASCRIPT:
            ast.parse(code)
        return f"Right. {found(code, folder)}"
    except NotYet as reason:
        return f"Not yet: {reason}"
    except SyntaxError as error:
        return f"Not yet: line {error.lineno} is no Python: {error.msg}."


# An answer runs as a child: it may hang, exit, or kill what it runs in.  The last
# line it prints has the names it sets, as text; what is no plain value is left out.
_SETS = """
import json, sys

names, raised = {}, ""
try:
    exec(compile(sys.argv[1], "<answer>", "exec"), names)
except BaseException as error:
    raised = f"{type(error).__name__}: {error}"
names.pop("__builtins__", None)
dots = [
    name for name, value in names.items()
    if value is ... or isinstance(value, dict) and ... in value.values()
]
plain = {name: repr(value) for name, value in names.items()}
print("\\n" + json.dumps({"raised": raised, "dots": dots, "names": plain}))
"""


def _names(code: str, folder: Path) -> Names:
    """The plain values an answer sets; ``...`` among them means "not yet"."""
    argv = ["python", "-P", "-c", _SETS, code]
    seen = _last_line(children.run(argv, folder, SECONDS))
    if seen["raised"]:
        raise NotYet(f"the cell raises {_short(seen['raised'])}")
    for name in seen["dots"]:
        raise NotYet(f"`...` still stands in {name}. %hint helps, three times.")
    names = {}
    for name, value in seen["names"].items():
        with suppress(ValueError, SyntaxError):
            names[name] = ast.literal_eval(value)
    return names


def _last_line(done: children.Result) -> Any:
    """What a child printed last, read as JSON."""
    last = (done.out.strip().splitlines() or [""])[-1]
    if done.timed_out:
        raise NotYet(f"it did not end within {SECONDS:g} s.")
    if done.code:
        raise NotYet(f"it ends with {_short(last) or f'exit status {done.code}'}")
    try:
        return json.loads(last)
    except ValueError:
        raise NotYet("it ends before its last line.") from None


def _short(line: str) -> str:
    return textwrap.shorten(line, 150, placeholder=" ...")


def _given(names: Names, name: str, kind: type) -> Any:
    value = names.get(name)
    if not isinstance(value, kind):
        raise NotYet(f"{name} should be a {kind.__name__}.")
    return value


def _compare(mine: Mapping[str, Any], true: Mapping[str, Any], what: str) -> str:
    """Hold predictions against what came; say how many, never which is what."""
    missing = [key for key in true if key not in mine]
    if missing:
        raise NotYet(f"{missing[0]!r} is missing.")
    wrong = [key for key in true if mine[key] != true[key]]
    if wrong:
        right = len(true) - len(wrong)
        raise NotYet(f"{right} of {len(true)} are right. Look again at {wrong[0]!r}.")
    return f"{what} says the same of all {len(true)}."


def _knock(
    server: Server, path: str, origin: str | None = None
) -> tuple[int, int | None]:
    """A handshake: its status, and the close code if the server then closes."""
    try:
        with connect(
            server.ws + path,
            origin=Origin(origin or server.url),
            proxy=None,
            open_timeout=KNOCK_SECONDS + 5,
            close_timeout=1,
        ) as socket:
            try:
                socket.recv(timeout=KNOCK_SECONDS)
            except ConnectionClosed as closed:
                return 101, closed.rcvd.code if closed.rcvd else 1006
            except TimeoutError:
                return 101, None
            return 101, None
    except InvalidStatus as refused:
        return refused.response.status_code, None
    except (InvalidHandshake, OSError, EOFError):
        return 0, None


def _inside(code: str, folder: Path) -> Any:
    """Run code in the project; what its last line printed, read as JSON."""
    return _last_line(children.run_inside(code, folder, SECONDS))


def _install(code: str, folder: Path) -> str:
    """Step 1: what a handshake asks, what came, and what a yes would be."""
    names = _names(code, folder)
    with serving(["python", "manage.py", "runserver"], folder) as server:
        came, _ = _knock(server, "/ws/whole1/")
    yes = ServerProtocol()
    yes.receive_data(frames.request("/", "127.0.0.1", None).encode())
    answer = yes.accept(next(iter(yes.events_received())))  # type: ignore[arg-type]
    if str(names.get("wish")).lower() != "upgrade":
        raise NotYet("wish: which header of the request names the protocol wished for?")
    if names.get("came") != came:
        raise NotYet("came: read the first line of the answer.")
    if names.get("wanted") != answer.status_code:
        raise NotYet(
            "wanted: the status that says the connection switches its protocol."
        )
    proof = str(names.get("proof"))
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


def _installed_apps(code: str, folder: Path) -> str:
    """Step 2: who owns runserver in each of four orders; Django is asked."""
    mine = _given(_names(code, folder), "owner", dict)

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
    return _compare(mine, true, "Django")


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


def _settings(code: str, folder: Path) -> str:
    """Step 3: a message received in time, and one that expired."""
    _names(code, folder)
    seen = _inside(code + _COURIER, folder)
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


def _asgi(code: str, folder: Path) -> str:
    """Step 4: which origins pass the validator; each one knocks."""
    mine = _given(_names(code, folder), "gets_in", dict)
    origins = ["http://localhost", "https://localhost", "http://localhost:9999"]
    origins += ["http://localhost.evil.example", "null"]
    with serving(["daphne", "webapp.asgi:application"], folder) as server:
        with ThreadPoolExecutor(len(origins)) as pool:
            found = pool.map(
                lambda origin: _knock(server, "/ws/whole1/", origin)[0], origins
            )
        true = {
            origin: status != 403 for origin, status in zip(origins, found, strict=True)
        }
    return _compare(mine, true, "The validator")


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


def _routing(code: str, folder: Path) -> str:
    """Step 5: which of six paths each pattern matches; URLRouter is asked."""
    mine = _given(_names(code, folder), "matches", dict)
    true = {name: set(found) for name, found in _inside(_ROUTES, folder).items()}
    try:
        return _compare(
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


def _consumer(code: str, folder: Path) -> str:
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
            raise NotYet(f"the server ends with {_short(last)}")
        with ThreadPoolExecutor(2) as pool:
            refuse, close = pool.map(
                lambda path: _knock(server, path), ("/refuse/", "/close/")
            )
    if refuse[0] != 403:
        raise NotYet(
            f"Refuse should answer the handshake with 403; it gave {_told(refuse)}."
        )
    if close != (101, 4404):
        raise NotYet(
            f"Close should accept and then close with 4404; it gave {_told(close)}."
        )
    if said != ["close"]:
        raise NotYet(
            'readable: "refuse" or "close"? A browser shows 1006 where it got no code.'
        )
    return "A refusal is 1006 to a browser; 4404 after accepting is 4404 there."


def _browser(code: str, folder: Path) -> str:
    """Step 7: a page's connection, woken up at five moments."""
    if problem := waking.judge(code, folder):
        raise NotYet(problem)
    return "Woken at five different moments, the page has one socket each time."


def _tests(code: str, folder: Path) -> str:
    """Step 9: a test that notices three wrong counters, and a counter cured."""
    if problem := counting.judge(code, folder):
        raise NotYet(problem)
    return "Your test notices three wrong counters, and yours is right."


def _protocol(code: str, folder: Path) -> str:
    """Step 8: a message more, and the old ones as they were."""
    if problem := correcting.judge(code, folder):
        raise NotYet(problem)
    return "It corrects what there is, refuses all else, and the old messages hold."


def _groups(code: str, folder: Path) -> str:
    """Step 10: rooms, among them some with names that a layer refuses."""
    tree = ast.parse(code)
    if "RoomConsumer" not in {getattr(node, "name", "") for node in tree.body}:
        raise NotYet("a class RoomConsumer is needed.")
    if any(
        isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree)
    ):
        raise NotYet("`...` still stands in RoomConsumer. %hint helps, three times.")
    seen = _inside(code + rooms.JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    turned = seen["of"] - seen["rooms"]
    more = f", and {turned} refused" if turned else ""
    return (
        f"{seen['rooms']} rooms with odd names{more}, and nothing leaks between them."
    )


def _redis(code: str, folder: Path) -> str:
    """Step 11: who receives what was published before and after two kills."""
    mine = _given(_names(code, folder), "receives", dict)
    if redis.program() is None:
        raise NotYet(f"it can't be tried. There is {redis.NONE}.")
    try:
        said = {moment: set(who) for moment, who in mine.items()}
    except TypeError:
        raise NotYet("each value is a set, such as {'ada'} or set().") from None
    return _compare(said, incidents.happen(folder), "What happened")


def _users(code: str, folder: Path) -> str:
    """Step 12: who may publish, by a group that changes while sockets are open."""
    names = {getattr(node, "name", "") for node in ast.parse(code).body}
    if "may_publish" not in names:
        raise NotYet("a function may_publish is needed.")
    if any(
        isinstance(node, ast.Constant) and node.value is ...
        for node in ast.walk(ast.parse(code))
    ):
        raise NotYet("`...` still stands in may_publish. %hint helps, three times.")
    seen = _inside(code + members.JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    return f"{seen['people']} people, and a group that changed: each as it should be."


def _database(code: str, folder: Path) -> str:
    """Step 13: the readings of a time range, by ranges that meet and overlap."""
    tree = ast.parse(code)
    if "history" not in {getattr(node, "name", "") for node in tree.body}:
        raise NotYet("a function history is needed.")
    if any(getattr(node, "value", 0) is ... for node in ast.walk(tree)):
        raise NotYet("`...` still stands in history. %hint helps, three times.")
    seen = _inside(code + ranges.JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    return f"{seen['ranges']} ranges, each with its readings in their order."


def _worker(code: str, folder: Path) -> str:
    """Step 14: a job that takes a second, on a channel of its own."""
    tree = ast.parse(code)
    if "TrafficConsumer" not in {getattr(node, "name", "") for node in tree.body}:
        raise NotYet("a class TrafficConsumer is needed.")
    if any(getattr(node, "value", 0) is ... for node in ast.walk(tree)):
        raise NotYet("`...` still stands in the cell. %hint helps, three times.")
    seen = _inside(traffic.WORLD + code + traffic.JUDGE, folder)
    if "wrong" in seen:
        raise NotYet(seen["wrong"])
    return "It counts what comes in, and no measurement has to wait for it."


def _told(seen: tuple[int, int | None]) -> str:
    status, code = seen
    if not status:
        return "no answer at all"
    return f"{status}, then close {code}" if code else f"{status}"


CHECKS: dict[str, Callable[[str, Path], str]] = {
    "install": _install,
    "installed-apps": _installed_apps,
    "settings": _settings,
    "asgi": _asgi,
    "routing": _routing,
    "consumer": _consumer,
    "browser": _browser,
    "tests": _tests,
    "protocol": _protocol,
    "groups": _groups,
    "redis": _redis,
    "users": _users,
    "database": _database,
    "worker": _worker,
}
IN_JAVASCRIPT = ("browser",)


# -- hints ---------------------------------------------------------------------

_given_so_far: dict[int, int] = {}  # of this kernel, where no workspace keeps them


def hints(step: Step) -> list[str]:
    """The step's three hints: a question, a pointer, the answer."""
    for cell in step.cells:
        found = cell["metadata"].get("tutor", {}).get("hints")
        if found:
            return list(found)
    return []


def next_hint(step: Step, workspace: Path | None) -> str:
    """The next hint; after the last one, the last one again.

    Args:
        step: the step.
        workspace: where it is remembered how many were given; None in a test.
    """
    all_of_them = hints(step)
    if not all_of_them:
        return f"Step {step.number} has no hints."
    progress = places.Progress(workspace) if workspace else None
    given = (progress.hints if progress else _given_so_far).get(step.number, 0)
    given = min(given + 1, len(all_of_them))
    if progress:
        progress.hints = progress.hints | {step.number: given}
    else:
        _given_so_far[step.number] = given
    more = "" if given == len(all_of_them) else "   (%hint again for more)"
    text = textwrap.fill(all_of_them[given - 1], 88, break_on_hyphens=False)
    return f"Hint {given} of {len(all_of_them)}: {text}{more}"


def hint(argv: list[str]) -> int:
    """The verb ``hint N``: the next hint of an exercise."""
    course = Course.load(places.root())
    step = course.step(argv[0] if argv else "")
    print(next_hint(step, places.workspace()))
    return 0
