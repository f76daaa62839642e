"""Step 8: the table of messages, garbage of every kind, and the limits."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, configuration, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from tutor import client, exercises, places, trees
from tutor.checks import talk
from tutor.checks.protocol import CRASH, LATE
from tutor.checks.steps import check_step
from tutor.course import Course
from tutor.exercises import correcting
from tutor.servers import HOST, Server, serving

pytestmark = pytest.mark.takes(60)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "protocol")
TREE = COURSE.root / "steps" / STEP.folder
DAPHNE = ["daphne", "webapp.asgi:application"]
LARGEST, MOST, PATIENCE = 1000, 20, 10  # what the table says
SAFE = 2**53 - 1  # JavaScript's largest safe integer
SECONDS = 10  # for an answer, on a busy machine
Message = str | bytes

# Each run throws the same garbage; for more of it:
# TUTOR_EXAMPLES=5000 pytest tests/test_step08_protocol.py
thrown = settings(
    max_examples=int(os.environ.get("TUTOR_EXAMPLES", "60")),
    derandomize="TUTOR_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where Hypothesis keeps its tables: nothing is left in the checkout."""
    configuration.set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Daphne whose log has no exception at the end, whatever it was sent.

    Who leaves while an answer is due makes one: Daphne finds no socket for it.
    """
    folder = tmp_path_factory.mktemp("project")
    trees.copy(TREE, folder)
    with serving(DAPHNE, folder) as server:
        yield server
        server.child.wait_for(lambda out: CRASH in out, LATE)
        crashes = [line for line in server.log().splitlines() if CRASH in line]
        assert crashes == []  # so every client here stays until it has its answers


def opened(server: Server) -> connect:
    return talk.opened(server.ws + talk.READINGS, server.url)


async def heard(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), SECONDS))


def change(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


# -- what the table says, written once more without pydantic ---------------------------


def due(message: Message) -> tuple[str, str]:
    """The type of the answer, and its code where it is an error."""
    if isinstance(message, bytes):
        return "error", "binary"
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return "error", "json"
    if not isinstance(value, dict):
        return "error", "object"
    if value.get("type") == "hello":
        name, least, most, answer = "after", 0, SAFE, "welcome"
    elif value.get("type") == "publish":
        name, least, most, answer = "value", 0, 100, "reading"
    else:
        return "error", "type"
    number = value.get(name)
    right = type(number) is int and least <= number <= most
    if right and value.keys() == {"type", name}:
        return answer, ""
    return "error", "field"


async def converse(server: Server, messages: list[Message]) -> None:
    """Send all at once; what comes is what the table says, and nothing else."""
    bad = last = 0
    async with opened(server) as socket:
        # In one write: after another one to a socket that the server has closed, the
        # system forgets what was not read yet.
        for message in messages:
            frame(socket, *encoded(message))
        flush(socket)
        for message in messages:
            if len(encoded(message)[1]) > LARGEST or bad == PATIENCE:
                assert await ends(socket) == (4413 if bad < PATIENCE else 4400), (
                    messages
                )
                return
            kind, code = due(message)
            answer = await heard(socket)
            assert (answer["type"], answer.get("code", "")) == (kind, code), message
            if kind == "reading":
                assert answer["value"] == json.loads(message)["value"]
                assert answer["id"] > last
                last = answer["id"]
            bad = bad + 1 if kind == "error" else 0
        if bad == PATIENCE:
            assert await ends(socket) == 4400
        else:
            await asyncio.wait_for(await socket.ping(), SECONDS)
            assert socket.close_code is None


def encoded(message: Message) -> tuple[Opcode, bytes]:
    if isinstance(message, str):
        return Opcode.TEXT, message.encode()
    return Opcode.BINARY, message


def frame(
    socket: ClientConnection, opcode: Opcode, data: bytes, last: bool = True
) -> None:
    """A frame, as it is; it leaves with `flush`."""
    socket.protocol.send_frame(Frame(opcode, data, fin=last))


def flush(socket: ClientConnection) -> None:
    socket.transport.writelines(socket.protocol.data_to_send())


async def ends(socket: ClientConnection) -> int | None:
    """The code with which the server closes, which is the next that comes."""
    with pytest.raises(ConnectionClosed):
        await heard(socket)
    return socket.close_code


# -- garbage ---------------------------------------------------------------------------

numbers = st.integers(-3, 103) | st.sampled_from([SAFE, SAFE + 1, 2**64, -(2**63)])
values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
right = st.one_of(
    st.fixed_dictionaries({"type": st.just("hello"), "after": st.integers(0, SAFE)}),
    st.fixed_dictionaries({"type": st.just("publish"), "value": st.integers(0, 100)}),
)
nearly = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["hello", "publish", "Hello", "reading"]) | values,
        "after": numbers | values,
        "value": numbers | values,
        "other": values,
    },
)
spaces = st.text(" \t\r\n", max_size=3)


@st.composite
def written(draw: st.DrawFn, meant: st.SearchStrategy[Any]) -> str:
    """JSON as one may write it: with blanks around, escapes or none."""
    text = json.dumps(draw(meant), ensure_ascii=draw(st.booleans()))
    return draw(spaces) + text + draw(spaces)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """JSON with a piece cut out, or put in."""
    text = draw(written(right | nearly))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    return text[:start] + draw(st.text(max_size=3)) + text[end:]


garbage = st.one_of(
    written(nearly),
    written(values),
    mangled(),
    st.text(max_size=300),
    st.binary(max_size=1200),
    st.integers(150, 900).map(lambda depth: "[" * depth),
    st.integers(990, 1010).map(lambda size: '{"type": "hello"}'.ljust(size)),
    st.integers(320, 340).map(lambda count: "€" * count),  # three bytes each
)
plausible = written(right)


def whole(message: Message) -> bool:
    """Lone surrogates are no text: neither JSON nor UTF-8 knows them."""
    return isinstance(message, bytes) or "\\ud" not in message.lower()


@thrown
@given(st.lists((plausible | garbage).filter(whole), min_size=1, max_size=MOST))
def test_whatever_comes_is_answered_as_the_table_says(
    server: Server, messages: list[Message]
) -> None:
    asyncio.run(converse(server, messages))


@thrown
@given(st.lists(garbage.filter(whole), min_size=PATIENCE, max_size=MOST))
def test_garbage_only(server: Server, messages: list[Message]) -> None:
    asyncio.run(converse(server, messages))


@thrown
@given(plausible | garbage, st.lists(st.integers(0, 1200), max_size=4))
def test_a_message_in_fragments_is_the_same_message(
    server: Server, message: Message, cuts: list[int]
) -> None:
    """On the wire a message may come in pieces, also within a letter."""
    asyncio.run(in_fragments(server, message, cuts))


async def in_fragments(server: Server, message: Message, cuts: list[int]) -> None:
    first, raw = encoded(message)
    cuts = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    pieces = [raw[a:b] for a, b in itertools.pairwise(cuts)] or [b""]
    async with opened(server) as socket:
        for at, piece in enumerate(pieces):
            frame(socket, Opcode.CONT if at else first, piece, at + 1 == len(pieces))
        flush(socket)
        if len(raw) > LARGEST:
            assert await ends(socket) == 4413
        else:
            answer = await heard(socket)
            if whole(message):
                assert (answer["type"], answer.get("code", "")) == due(message)


@thrown
@given(st.binary(min_size=1, max_size=50))
def test_a_text_that_is_no_utf8(server: Server, data: bytes) -> None:
    """Daphne drops the connection, without a close frame and without a word."""
    asyncio.run(no_utf8(server, data))


async def no_utf8(server: Server, data: bytes) -> None:
    async with opened(server) as socket:
        frame(socket, Opcode.TEXT, data)
        flush(socket)
        try:
            data.decode()
        except UnicodeDecodeError:
            assert await ends(socket) == 1006
        else:
            assert (await heard(socket))["type"] == "error"


# -- the limits ------------------------------------------------------------------------

HELLO = '{"type": "hello", "after": 0}'


async def test_a_flood_is_answered_up_to_the_limit(server: Server) -> None:
    async with opened(server) as socket:
        await client.at_once(socket, [HELLO] * 2000)
        answers = 0
        with pytest.raises(ConnectionClosed):
            while (await heard(socket))["type"] == "welcome":
                answers += 1
        assert answers >= MOST
        assert socket.close_code == 4429


async def test_one_floods_and_the_others_are_answered(server: Server) -> None:
    async with opened(server) as quiet:
        async with opened(server) as socket:
            await client.at_once(socket, [HELLO] * 2 * MOST)
            await quiet.send(HELLO)
            assert (await heard(quiet))["type"] == "welcome"
            with suppress(ConnectionClosed):  # by the limit, on all but a slow machine
                for _ in range(2 * MOST):
                    await heard(socket)
        await quiet.send(HELLO)
        assert (await heard(quiet))["type"] == "welcome"


async def test_a_good_message_makes_up_for_the_bad_ones(server: Server) -> None:
    await converse(server, ["nonsense"] * 9 + [HELLO] + ["nonsense"] * 9)
    await converse(server, ["nonsense"] * 9 + [HELLO] + ["nonsense"] * 10)


async def test_daphnes_own_limit_lies_above_ours(project: Path) -> None:
    """As it comes, what is too large for us by far still gets our code."""
    with serving(DAPHNE, project) as server:
        async with opened(server) as socket:
            await socket.send("x" * (1024 * 1024 - 100))
            assert await ends(socket) == 4413
        async with opened(server) as socket:
            await socket.send("x" * (1024 * 1024 + 1))
            assert await ends(socket) == 1006
        assert CRASH not in server.log()


# -- the check -------------------------------------------------------------------------


CONSUMERS, MESSAGES = "master_app/consumers.py", "master_app/messages.py"
BROKEN = [
    (CONSUMERS, "readings.new(value)", "readings.new(7)", "ids count up"),
    (CONSUMERS, "if text_data is None", "if not text_data", "code of the table"),
    (MESSAGES, "'dict_type': 'object',", "", "code of the table"),
    (MESSAGES, ", strict=True", "", "code of the table"),
    (CONSUMERS, "self.closing = True", "pass", "no exception"),
    (CONSUMERS, "self.closing = True", "self.closing = code != 4400", "no exception"),
    (CONSUMERS, "self.close(4429)", "self.close(4413)", "broken limits"),
    (CONSUMERS, "LARGEST = 1000", "LARGEST = 1001", "broken limits"),
    (CONSUMERS, "or '').encode()", "or '')", "broken limits"),
    (CONSUMERS, "self.times.append(now)", "pass", "broken limits"),
]


@pytest.mark.parametrize(("file", "old", "new", "title"), BROKEN)
def test_the_check_sees(
    project: Path, file: str, old: str, new: str, title: str
) -> None:
    change(project, file, old, new)
    found = [check.title for check in check_step(project, "protocol") if check.problem]
    assert found and title in found[0], found


BY_HAND = '''
import json
import time

from channels.generic.websocket import AsyncWebsocketConsumer

from master_app import readings

FIELDS = {'hello': ('after', 2**53 - 1), 'publish': ('value', 100)}


class ReadingsConsumer(AsyncWebsocketConsumer):
    """The same table without pydantic, and with a bucket instead of a window."""

    tokens, bad, over = 20.0, 0, False

    async def connect(self):
        self.then = time.monotonic()
        await self.accept(subprotocol=None)

    async def receive(self, text_data=None, bytes_data=None):
        if self.over:
            return
        now = time.monotonic()
        self.tokens = min(20.0, self.tokens + 20 * (now - self.then)) - 1
        self.then = now
        if self.tokens < 0:
            return await self.end(4429)
        if len(text_data.encode() if bytes_data is None else bytes_data) > 1000:
            return await self.end(4413)
        answer = self.answer(text_data)
        self.bad = self.bad + 1 if answer['type'] == 'error' else 0
        await self.send(json.dumps(answer))
        if self.bad == 10:
            await self.end(4400)

    def answer(self, text):
        if text is None:
            return {'type': 'error', 'code': 'binary', 'text': ''}
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return {'type': 'error', 'code': 'json', 'text': ''}
        if not isinstance(message, dict):
            return {'type': 'error', 'code': 'object', 'text': ''}
        kind = message.pop('type', None)
        if not isinstance(kind, str) or kind not in FIELDS:
            return {'type': 'error', 'code': 'type', 'text': ''}
        name, most = FIELDS[kind]
        value = message.pop(name, None)
        if type(value) is not int or not 0 <= value <= most or message:
            return {'type': 'error', 'code': 'field', 'text': ''}
        if kind == 'publish':
            return readings.new(value)
        return {'type': 'welcome', 'last': readings.last}

    async def end(self, code):
        self.over = True
        await self.close(code)
'''


def test_another_right_way(project: Path) -> None:
    (project / "master_app/byhand.py").write_text(BY_HAND)
    change(
        project,
        "master_app/routing.py",
        "PracticeConsumer, ReadingsConsumer",
        "PracticeConsumer\nfrom master_app.byhand import ReadingsConsumer",
    )
    found = check_step(project, "protocol")
    assert [check.problem for check in found if check.problem] == []


# -- the exercise ----------------------------------------------------------------------

(SOLVED,) = [
    cell["source"].partition("\n")[2]
    for cell in STEP.cells
    if "solution" in cell["metadata"].get("tags", [])
]
ANSWERS = [
    ("if number > readings.last", "if number > 100", '"id": 2'),
    ("await self.complain('field'", "await self.close(4400); (lambda *_: 0)('field'",
     "ends the connection with 4400"),
    ("Hello | Publish | Correct", "Hello | Correct", '"publish"'),
    ("Field(ge=1)", "Field(ge=1, strict=False)", '"id": "1"'),
    ("'value': value}", "'value': readings.new(value)['value']}", '"last": 2'),
    ("await super().receive_json(message)", "pass", '"publish"'),
    ("class Correcting", "class Corrected", "a class is needed, Correcting"),
    ("Literal['correct']", "str", "the server ends with"),
    ("self.complain('field'", "self.moan('field'", "moan"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), ANSWERS)
def test_a_wrong_answer(project: Path, old: str, new: str, words: str) -> None:
    assert old in SOLVED
    verdict = exercises.check("protocol", SOLVED.replace(old, new), project)
    assert verdict.startswith("Not yet: ") and words in verdict, verdict
    assert len(verdict.splitlines()) == 1 and len(verdict) < 250, verdict


def test_another_right_answer(project: Path) -> None:
    """In the copy's own files, as one would do it outside of an exercise."""
    change(
        project,
        MESSAGES,
        "\n\nincoming = ",
        "\n\nclass Correct(Publish):\n    type: Literal['correct']\n"
        "    id: int = Field(ge=1)\n\n\nincoming = ",
    )
    change(project, MESSAGES, "Hello | Publish", "Hello | Publish | Correct")
    change(project, CONSUMERS, "import Hello", "import Correct, Hello")
    change(
        project,
        CONSUMERS,
        "            case Publish",
        "            case Correct() if message.id > readings.last:\n"
        "                await self.complain('field', 'id: no such reading')\n"
        "            case Correct():\n"
        "                await self.send_json(\n"
        "                    message.model_dump() | {'type': 'reading'})\n"
        "            case Publish",
    )
    code = (
        "from master_app.consumers import ReadingsConsumer\n\n"
        "class Correcting(ReadingsConsumer):\n    pass\n"
    )
    verdict = exercises.check("protocol", code, project)
    assert verdict.startswith("Right. "), verdict


def test_each_message_of_the_dialogue_is_within_the_limits() -> None:
    assert len(correcting.DIALOGUE) <= MOST
    bad = [wanted["type"] == "error" for _, wanted in correcting.DIALOGUE]
    assert sum(bad) < PATIENCE


# -- the client of the cells -----------------------------------------------------------


async def test_a_message_many_times_and_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def answer(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)
            if message == "end":
                return await socket.close(4000)

    async with serve(answer, HOST, 0) as echo:
        port = echo.sockets[0].getsockname()[1]
        async with talk.opened(f"ws://{HOST}:{port}", None) as connection:
            ours = client.Talk(connection, "Ada")
            await ours.send("a", times=3)
            await ours.send("b" * 201)
            await ours.send(b"\x00" * 201)
            await ours.send("end")
            await ours.rest(times="a few")
    assert capsys.readouterr().out.splitlines() == [
        'Ada → text "a"   (3 times)',
        f'Ada → text "{"b" * 20}..."   (201 characters)',
        "Ada → binary 00 00 00 00 00 00 00 ...   (201 bytes)",
        'Ada → text "end"',
        'Ada ← text "a"   (a few times)',
        f'Ada ← text "{"b" * 20}..."   (201 characters)',
        "Ada ← binary 00 00 00 00 00 00 00 ...   (201 bytes)",
        'Ada ← text "end"',
        "Ada ← close 4000 (the application's own code)",
    ]


async def test_who_is_kept_from_its_work_still_hears_why_it_was_closed(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(server) as connection:
        write, calls = connection.transport.write, itertools.count(1)

        def slow(data: bytes) -> None:
            if next(calls) == 2 * MOST:
                time.sleep(1.5)  # Daphne waits a second for the answer to its close
            write(data)

        connection.transport.write = slow  # type: ignore[method-assign]
        ours = client.Talk(connection)
        await ours.send(HELLO, times=100)
        await ours.rest(times="some")
    _, welcome, end = capsys.readouterr().out.splitlines()
    assert "welcome" in welcome
    assert end == "← close 4429 (the application's own code)"


async def test_the_rest_of_what_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    async def answer(socket: ServerConnection) -> None:
        await socket.send("once")
        await socket.wait_closed()

    async with serve(answer, HOST, 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        async with talk.opened(f"ws://{HOST}:{port}", None) as connection:
            await client.Talk(connection).rest(within=0.2)
    assert capsys.readouterr().out.splitlines() == [
        '← text "once"',
        "← still open after 0.2 s",
    ]


async def test_what_came_before_the_line_was_cut_is_heard_later(server: Server) -> None:
    async with opened(server) as connection:
        with talk.unanswered(connection) as lost:
            await client.at_once(connection, [HELLO] * 100)
            await asyncio.wait_for(lost.wait(), 5)  # Daphne waits a second
        assert "welcome" in str(await talk.hear(connection))
        await connection.wait_closed()
        assert connection.close_code == 4429
