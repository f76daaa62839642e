"""Exercises: not yet as they come, right when solved, and a line for whatever else.

The answers are the notebook's own cells, told by their tags; wrong ones are made
from the right ones.  Each test works in its own copy of the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tutor import exercises, notebook, places, trees
from tutor.course import Course, Step
from tutor.exercises import answers, hints
from tutor.report import Refusal

pytestmark = pytest.mark.takes(40)

COURSE = Course.load(places.root())
Check = Callable[[str, str], str]


def source(step: Step, tag: str) -> str:
    """The step's cell with this tag, without its magic."""
    (cell,) = [cell for cell in step.cells if tag in notebook.tags(cell)]
    magic, _, rest = cell["source"].partition("\n")
    assert magic == f"%%answer {step.number}"
    return rest


# The last step's exercise is a project, which the referee judges: test_referee.py.
STEPS = [step for step in COURSE.steps if step.slug in exercises.CHECKS]
SOLVED = {step.slug: source(step, "solution") for step in STEPS}


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def checked(slug: str, code: str) -> str:
        (step,) = [step for step in COURSE.steps if step.slug == slug]
        tree = COURSE.tree(step.number)
        assert tree is not None
        trees.copy(tree, tmp_path)
        return exercises.check(slug, code, tmp_path)

    return checked


def changed(slug: str, *pairs: tuple[str, str]) -> str:
    """The solution with some of its text replaced."""
    code = SOLVED[slug]
    for old, new in pairs:
        assert old in code, f"{old!r} is not in the solution of {slug}"
        code = code.replace(old, new)
    return code


def is_not_yet(verdict: str, words: str) -> None:
    assert verdict.startswith("Not yet: "), verdict
    assert words in verdict, verdict
    assert len(verdict.splitlines()) == 1 and 15 < len(verdict) < 250, verdict
    assert "Traceback" not in verdict


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.slug)
def test_untouched_it_is_not_yet(check: Check, step: Step) -> None:
    untouched = source(step, "answer")
    assert "..." in untouched
    is_not_yet(check(step.slug, untouched), "")


def marked(step: Step) -> object:
    """The step as a parameter; an answer that is no Python needs its program."""
    needed = exercises.NOT_PYTHON.get(step.slug)
    marks = [getattr(pytest.mark, needed)] if needed else []
    return pytest.param(step, marks=marks, id=step.slug)


@pytest.mark.parametrize("step", [*map(marked, STEPS)])
def test_solved_it_is_right(
    check: Check, step: Step, request: pytest.FixtureRequest
) -> None:
    if needed := exercises.NOT_PYTHON.get(step.slug):
        request.getfixturevalue(f"{needed}_path")
    verdict = check(step.slug, SOLVED[step.slug])
    assert verdict.startswith("Right. ") and len(verdict.splitlines()) == 1


WRONG = [
    ("install", [('"Upgrade"', '"Host"')], "wish"),
    ("install", [("404", "400")], "came"),
    ("install", [("101", "200")], "wanted"),
    ("install", [("Sec-WebSocket-Accept", "Sec-WebSocket-Key")], "proof"),
    ("install", [("Sec-WebSocket-Accept", "Upgrade")], "proof"),
    ("install", [('"Upgrade"', "None")], "wish"),
    ("installed-apps", [('"channels": "core"', '"channels": "channels"')], "3 of 4"),
    ("installed-apps", [('"channels": "core",', "")], "'channels' is missing"),
    ("asgi", [("False", "True")], "Look again at"),
    ("routing", [("path('ws/whole1/')\": {", "path('ws/whole1/')\": {1, ")], "3 of 4"),
    ("routing", [("set()", "1")], "set of paths"),
    ("routing", [("set()", "[[]]")], "set of paths"),
    ("consumer", [('readable = "close"', 'readable = "refuse"')], "readable"),
    ("consumer", [("4404", "4000")], "Close"),
    ("consumer", [("'code': 4404", "'reason': '4404'")], "Close"),
    ("consumer", [("class Refuse", "class Reject")], "Refuse and Close"),
]


@pytest.mark.parametrize("slug, pairs, words", WRONG)
def test_a_wrong_answer_stays_not_yet(
    check: Check, slug: str, pairs: list[tuple[str, str]], words: str
) -> None:
    is_not_yet(check(slug, changed(slug, *pairs)), words)


PREDICTIONS = {"installed-apps": "owner", "asgi": "gets_in", "routing": "matches"}


@pytest.mark.parametrize("slug, name", PREDICTIONS.items())
@pytest.mark.parametrize("value", ["None", "[1, 2]", "'owner'", "{}"])
def test_a_prediction_of_another_kind(
    check: Check, slug: str, name: str, value: str
) -> None:
    is_not_yet(check(slug, f"{name} = {value}"), "")
    is_not_yet(check(slug, f"other = {value}"), name)


WITH_A_CLASS = (
    "consumer",
    "protocol",
    "tests",
    "groups",
    "users",
    "database",
    "worker",
    "load",
)


@pytest.mark.parametrize("slug", [s for s in SOLVED if s not in exercises.NOT_PYTHON])
@pytest.mark.parametrize(
    "code, words",
    [
        ("x = (1", "line 1 is no Python"),
        ("a = 1\nb = = 2", "line 2 is no Python"),
        ("1 / 0", "ZeroDivisionError"),
        ("undefined", "NameError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import sys; sys.exit('bye')", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import no_such_module", "ModuleNotFoundError"),
    ],
)
def test_an_answer_that_does_not_run(
    check: Check, slug: str, code: str, words: str
) -> None:
    verdict = check(slug, code)
    if slug in WITH_A_CLASS and "Python" not in words:
        words = ""  # not run before its classes are there
    is_not_yet(verdict, words)


@pytest.mark.parametrize("code", ["1 / 0", "import sys; sys.exit(3)"])
def test_a_consumer_that_does_not_run(check: Check, code: str) -> None:
    is_not_yet(check("consumer", SOLVED["consumer"] + f"\n{code}\n"), "the server ends")


# -- other right answers -----------------------------------------------------------

SAME = [
    ("install", [('"Upgrade"', '"upgrade"')]),
    ("install", [("Sec-WebSocket-Accept", "sec-websocket-accept")]),
    ("asgi", [("gets_in = {", "gets_in = {'other': True, ")]),
    ("routing", [('{"ws/whole1/"}', '["ws/whole1/"]')]),
]


@pytest.mark.parametrize("slug, pairs", SAME)
def test_the_same_said_otherwise(
    check: Check, slug: str, pairs: list[tuple[str, str]]
) -> None:
    assert check(slug, changed(slug, *pairs)).startswith("Right. ")


LAYER = {
    "another way": (
        "import asyncio\n"
        "async def in_time(layer):\n"
        "    waiting = asyncio.create_task(layer.receive('door'))\n"
        "    await asyncio.sleep(0)\n"
        "    await layer.send('door', dict(type='knock'))\n"
        "    return await waiting\n"
        "async def too_late(layer):\n"
        "    await layer.send('door', {'type': 'knock'})\n"
        "    await asyncio.sleep(0.6)\n",
        "Right. ",
    ),
    "too early": (changed("settings", ("* 2", "/ 9")), "could still be received"),
    "nothing sent": (
        "async def in_time(layer): return {'type': 'knock'}\n"
        "async def too_late(layer): pass\n",
        "in_time should send",
    ),
    "nothing sent late": (
        "async def in_time(layer):\n"
        "    await layer.send('door', {'type': 'knock'})\n"
        "    return await layer.receive('door')\n"
        "async def too_late(layer): pass\n",
        "too_late has sent nothing",
    ),
    "nothing returned": (
        "async def in_time(layer): await layer.send('door', {'type': 'knock'})\n"
        "async def too_late(layer): pass\n",
        "it returned None",
    ),
    "waits for ever": (
        "async def in_time(layer): return await layer.receive('door')\n"
        "async def too_late(layer): pass\n",
        "TimeoutError",
    ),
    "no async": (
        "def in_time(layer): return 1\ndef too_late(layer): pass\n",
        "TypeError",
    ),
    "missing": (
        "async def in_time(layer):\n"
        "    await layer.send('door', {'type': 'knock'})\n"
        "    return await layer.receive('door')\n",
        "too_late",
    ),
    "raises": (
        "async def in_time(layer): raise KeyError('door')\n"
        "async def too_late(layer): pass\n",
        "KeyError",
    ),
    "exits": (
        "async def in_time(layer): raise SystemExit(0)\n"
        "async def too_late(layer): pass\n",
        "",
    ),
}


@pytest.mark.parametrize("name", LAYER)
def test_answers_with_a_layer(check: Check, name: str) -> None:
    code, words = LAYER[name]
    verdict = check("settings", code)
    if words == "Right. ":
        assert verdict.startswith(words)
    else:
        is_not_yet(verdict, words)


def test_an_answer_that_hangs_is_ended(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SECONDS", 1)
    hangs = "import time\nasync def in_time(layer): time.sleep(3600)\n"
    verdict = check("settings", hangs + "async def too_late(layer): pass\n")
    is_not_yet(verdict, "did not end within 1 s")
    is_not_yet(check("settings", "while True: pass"), "did not end within 1 s")
    is_not_yet(check("asgi", "while True: pass"), "did not end within 1 s")


GENERIC = """\
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer

class Refuse(WebsocketConsumer):
    def connect(self):
        self.close()

class Close(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.close(code=4404)

readable = "close"
"""
DENIED = """\
from channels.exceptions import AcceptConnection, DenyConnection
from channels.generic.websocket import AsyncWebsocketConsumer

class Refuse(AsyncWebsocketConsumer):
    async def connect(self):
        raise DenyConnection

class Close(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.close(4404)

readable = "close"
"""


@pytest.mark.parametrize("code", [GENERIC, DENIED], ids=["generic", "exceptions"])
def test_other_consumers_are_right_as_well(check: Check, code: str) -> None:
    assert check("consumer", code).startswith("Right. ")


CONSUMERS = [
    ("self.close()", "self.accept()", "Refuse should answer the handshake with 403"),
    ("self.close()", "pass", "Refuse should answer the handshake with 403"),
    ("self.close()", "1 / 0", "Refuse should answer the handshake with 403"),
    ("        await self.accept()\n", "", "Close should accept and then close"),
    ("(code=4404)", "()", "Close should accept and then close"),
]


@pytest.mark.parametrize("old, new, words", CONSUMERS)
def test_a_wrong_consumer(
    check: Check, monkeypatch: pytest.MonkeyPatch, old: str, new: str, words: str
) -> None:
    monkeypatch.setattr(answers, "KNOCK_SECONDS", 1.5)
    is_not_yet(check("consumer", GENERIC.replace(old, new)), words)


# -- hints -----------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.slug)
def test_three_hints_come_one_by_one(step: Step, tmp_path: Path) -> None:
    given = [hints.next_hint(step, tmp_path) for _ in range(4)]
    assert [hint.partition(":")[0] for hint in given] == [
        "Hint 1 of 3",
        "Hint 2 of 3",
        "Hint 3 of 3",
        "Hint 3 of 3",
    ]
    assert all("(%hint again for more)" in hint for hint in given[:2])
    assert "again" not in given[3]
    assert all(len(line) <= 130 for hint in given for line in hint.splitlines())


def test_a_hint_in_the_shell_names_the_command_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUTOR_WORKSPACE", str(tmp_path))
    assert hints.hint(["3"]) == 0
    assert "(make hint-3 again for more)" in capsys.readouterr().out


def test_hints_are_remembered_in_the_workspace(tmp_path: Path) -> None:
    one, two = COURSE.steps[:2]
    hints.next_hint(one, tmp_path)
    hints.next_hint(two, tmp_path)
    assert places.Progress(tmp_path).hints == {1: 1, 2: 1}
    places.Progress(tmp_path).reached = 1
    assert hints.next_hint(one, tmp_path).startswith("Hint 2 of 3")
    assert places.Progress(tmp_path).reached == 1


def test_a_step_without_an_exercise(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no exercise"):
        exercises.check("unknown", "", tmp_path)
    assert hints.next_hint(Step(9, "x", "X", 1, "works"), None) == (
        "Step 9 has no hints."
    )
