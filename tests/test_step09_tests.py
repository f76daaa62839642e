"""Step 9: the project's own tests, by both runners; what its check and exercise see."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tutor import children, exercises, places, trees, verbs
from tutor.checks import suite
from tutor.checks.steps import check_step
from tutor.course import Course

pytestmark = pytest.mark.takes(120)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "tests")
ALL_PLUGINS = {"PYTEST_ADDOPTS": ""}  # those that a project's pytest goes without
TREE = COURSE.root / "steps" / STEP.folder
LATER = [step for step in COURSE.steps if step.number >= STEP.number]
DJANGO = ["python", "manage.py", "test", "--noinput"]
PYTEST = ["pytest", "-q"]
RUNNERS = pytest.mark.parametrize("argv", [DJANGO, PYTEST], ids=["django", "pytest"])
TEST = "master_app/tests/test_mine.py"
MINE = "master_app.tests.test_mine"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


def change(project: Path, file: str, *pairs: tuple[str, str]) -> None:
    path = project / file
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


@pytest.mark.browser
@pytest.mark.parametrize("step", LATER, ids=lambda step: step.folder)
def test_the_projects_own_tests_pass(browser_path: Path, step: Any) -> None:
    tree = COURSE.tree(step.number)
    assert tree is not None
    ran = suite.run(tree, DJANGO)
    assert ran.passed and ran.tests >= 8, ran.out
    assert "skipped" not in ran.out


@pytest.mark.parametrize("order", ["--reverse", "--shuffle=1"])
def test_in_any_order(order: str) -> None:
    ran = suite.run(TREE, [*DJANGO, order], CHROMIUM="none")
    assert ran.passed, ran.out


@RUNNERS
def test_without_a_browser_one_is_skipped_and_says_why(argv: list[str]) -> None:
    ran = suite.run(TREE, argv, CHROMIUM="none")
    assert ran.passed, ran.out
    assert "No browser was found" in ran.out
    assert "skipped=1" in ran.out or "1 skipped" in ran.out


def test_a_browser_that_is_broken_is_no_reason_to_skip(project: Path) -> None:
    broken = project / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    argv = [*DJANGO, "master_app.tests.test_page"]
    ran = suite.run(project, argv, CHROMIUM=str(broken))
    assert not ran.passed and "skipped" not in ran.out, ran.out


def test_pytest_in_a_workspace_inside_the_course(tmp_path: Path) -> None:
    """The course's own options, one folder up, are not for the learner's tests."""
    shutil.copy(COURSE.root / "pyproject.toml", tmp_path)
    workspace = tmp_path / "workspace"
    trees.copy(TREE, workspace)
    ran = children.run(PYTEST, workspace, 60, {"CHROMIUM": "none"})
    assert ran.code == 0, ran.out
    assert trees.same(TREE, workspace), "what a run leaves is no part of a project"


def test_a_checkpoint_with_options_of_its_own_runs_with_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """make step-9: pytest would take the setup.cfg beside the checkpoint."""
    seen: list[str] = []

    def note(words: list[str]) -> int:
        seen.extend(words)
        return 0

    monkeypatch.setattr(pytest, "main", note)
    monkeypatch.chdir(COURSE.root)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert verbs.step([str(STEP.number)]) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    words = ["python", "-P", "-m", "pytest", *seen, "--collect-only"]
    ran = children.run(words, COURSE.root, 60, ALL_PLUGINS)
    assert ran.code == 0 and "Cell 1" in ran.out, ran.out


def test_no_test_of_a_project_is_collected_in_its_checkpoint() -> None:
    ran = children.run(
        ["python", "-P", "-m", "pytest", "-q", "--collect-only", "-n0", "steps"],
        COURSE.root,
        60,
        ALL_PLUGINS,
    )
    assert ran.code == 0 and "test_page" not in ran.out, ran.out[-2000:]


def test_a_run_after_one_that_was_killed(project: Path) -> None:
    (project / "test.sqlite3").write_bytes(b"half a database")
    ran = children.run(DJANGO, project, 60, {"CHROMIUM": "none"})
    assert ran.code == 0, ran.out


def test_a_second_process_that_is_spawned(browser_path: Path, project: Path) -> None:
    """As on macOS: it imports the project anew."""
    change(
        project,
        "manage.py",
        (
            "    main()",
            "    import multiprocessing as m; m.set_start_method('spawn'); main()",
        ),
    )
    ran = children.run([*DJANGO, "master_app.tests.test_page"], project, 60)
    assert ran.code == 0 and "skipped" not in ran.out, ran.out


def test_both_runners_refused_without_named_hosts(project: Path) -> None:
    """The trap of the step: pytest builds the application before DEBUG is off."""
    named = "ALLOWED_HOSTS = ['localhost', '127.0.0.1', '[::1]']"
    change(project, "webapp/settings.py", (named, "ALLOWED_HOSTS = []"))
    only = "master_app.tests.test_practice"
    refused = suite.run(project, [*DJANGO, only], CHROMIUM="none")
    assert not refused.passed and "refuses with" in refused.out
    (project / "setup.cfg").write_text(
        (TREE / "setup.cfg").read_text().replace("= master_app\n", f"= {_file(only)}\n")
    )
    assert suite.run(project, PYTEST).passed


def _file(module: str) -> str:
    return module.replace(".", "/") + ".py"


# What the step says in passing: each a test of the project, run, and what comes.
HEAD = """\
from unittest import TestCase

from channels.testing import ChannelsLiveServerTestCase
from django.test import TransactionTestCase
from playwright.sync_api import sync_playwright

from master_app.tests.clients import client

"""
PASSING = {
    "never awaited": """
class Mine(TestCase):
    async def test_it(self):
        self.assertEqual(1, 2)
""",
    "a refusal is a tuple": """
class Mine(TransactionTestCase):
    async def test_it(self):
        self.assertTrue(await client('/ws/whole1/', None).connect())
""",
}
FAILING = {
    "cancelled by a timeout": (
        "CancelledError",
        """
class Mine(TransactionTestCase):
    async def test_it(self):
        guest = client('/ws/whole1/')
        await guest.connect()
        await guest.receive_from()
        try:
            await guest.receive_from(timeout=0.1)
        except TimeoutError:
            pass
        await guest.send_to(text_data='next')
""",
    ),
    "kept from one test to the next": (
        "Error",
        """
class Mine(TransactionTestCase):
    guest = client('/ws/whole1/')

    async def test_a(self):
        connected, _ = await self.guest.connect()
        self.assertTrue(connected)
        self.assertEqual(await self.guest.receive_from(), '0')

    async def test_b(self):
        await self.guest.send_to(text_data='next')
        await self.guest.receive_from()
""",
    ),
    "a loop that goes on": (
        "SynchronousOnlyOperation",
        """
class Mine(ChannelsLiveServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.playwright = sync_playwright().start()

    @classmethod
    def tearDownClass(cls):
        cls.playwright.stop()
        super().tearDownClass()

    def test_it(self):
        pass
""",
    ),
}


@pytest.mark.parametrize("what", PASSING)
def test_a_trap_that_passes(what: str, project: Path) -> None:
    (project / TEST).write_text(HEAD + PASSING[what])
    ran = children.run([*DJANGO, MINE], project, 60)
    assert ran.code == 0 and "Ran 1 test" in ran.out, ran.out


@pytest.mark.parametrize("what", FAILING)
def test_a_trap_that_fails(what: str, project: Path) -> None:
    words, text = FAILING[what]
    (project / TEST).write_text(HEAD + text)
    ran = children.run([*DJANGO, MINE], project, 60)
    assert ran.code and words in ran.out, ran.out


def test_the_development_database_as_the_tests_database(project: Path) -> None:
    """What Channels' tutorial sets: the file is gone after the tests."""
    change(project, "webapp/settings.py", ("test.sqlite3", "db.sqlite3"))
    database = project / "db.sqlite3"
    assert children.run(["python", "manage.py", "migrate"], project).code == 0
    assert database.exists()
    children.run([*DJANGO, "master_app.tests.test_practice"], project, 60)
    assert not database.exists()


# A small suite of one test for each thing that the check asks; one is left out.
SMALL = {
    "says something else": """
    async def test_words(self):
        async with connected('/ws/whole1/') as guest:
            self.assertEqual(await guest.receive_from(3), '0')
""",
    "strangers are let in": """
    async def test_who(self):
        accepted, _ = await client('/ws/whole1/', None).connect()
        self.assertFalse(accepted)
""",
    "blocks the loop": """
    async def test_awake(self):
        async with connected('/ws/whole1/') as guest, awake():
            await guest.send_to(text_data='next')
            await guest.receive_output(3)
            await guest.receive_output(3)
""",
}


TITLES = {
    name: question.title
    for name in SMALL
    for question in suite.QUESTIONS
    if name in question.title
}


@pytest.mark.parametrize("missing", ["", *SMALL])
def test_the_check_sees_what_tests_miss(project: Path, missing: str) -> None:
    for path in (project / "master_app/tests").glob("test_*.py"):
        path.unlink()
    tests = [text for name, text in SMALL.items() if name != missing]
    (project / TEST).write_text(
        "from django.test import TransactionTestCase\n"
        "from master_app.tests.clients import awake, client, connected\n\n\n"
        "class Mine(TransactionTestCase):" + "".join(tests)
    )
    problems = [check.title for check in check_step(project, "tests") if check.problem]
    assert problems == ([TITLES[missing]] if missing else [])


PRACTICE = "master_app/tests/test_practice.py"
UNLIKE = [
    (PRACTICE, "'0')", "'1')", "manage.py test runs", "AssertionError"),
    ("setup.cfg", "= master_app", "= webapp", "pytest runs the same", "0 tests of 7"),
    ("setup.cfg", "webapp.settings", "webapp.none", "pytest runs the same", "none"),
]


@pytest.mark.parametrize(("file", "old", "new", "title", "got"), UNLIKE)
def test_the_check_says_what_came(
    project: Path, file: str, old: str, new: str, title: str, got: str
) -> None:
    change(project, file, (old, new))
    (project / "master_app/tests/test_page.py").unlink()
    found = check_step(project, "tests")
    first = next(check.problem for check in found if check.problem)
    assert title in first.expected and got in first.got, first


def test_another_right_suite(project: Path) -> None:
    """One file, other classes and names, a watch of asyncio's own."""
    shutil.rmtree(project / "master_app/tests")
    (project / "master_app/tests.py").write_text(
        """
import asyncio
from unittest import IsolatedAsyncioTestCase

from channels.routing import get_default_application
from channels.testing import WebsocketCommunicator


def knock(*headers):
    application = get_default_application()
    return WebsocketCommunicator(application, 'ws/whole1/', headers)


class Whole(IsolatedAsyncioTestCase):
    async def test_numbers(self):
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.5
        ws = knock((b'origin', b'http://127.0.0.1'))
        assert (await ws.connect())[0]
        assert await ws.receive_from() == '0'
        with self.assertNoLogs('asyncio', 'WARNING'):
            await ws.send_to(bytes_data=b'1')
            assert 0 <= int(await ws.receive_from()) <= 100
        await ws.disconnect()

    async def test_strangers(self):
        assert not (await knock().connect())[0]
"""
    )
    (project / "setup.cfg").write_text(
        "[tool:pytest]\n"
        "DJANGO_SETTINGS_MODULE = webapp.settings\n"
        "python_files = tests.py\n"
    )
    found = check_step(project, "tests")
    assert [check.problem for check in found] == [None] * 5


SOLUTION = next(
    "".join(cell["source"]).partition("\n")[2]
    for cell in STEP.cells
    if "solution" in cell["metadata"].get("tags", ())
)
OWN = "    async def connect(self):\n        self.seen = []\n"
ACCEPT = "        await self.accept()\n"
TURNS = "        for client, count in (ada, '1'), (bob, '1'), (ada, '2'):\n"
LATE = (
    "        for client, count in (ada, '1'), (bob, '1'), (bob, '2'):\n"
    "            if client is bob and count == '1':\n"
    "                await bob.connect()\n"
)
ANSWERS = [
    (
        [(OWN + ACCEPT, "    seen = []\n")],
        "your test is good. Now cure Counter: it tells",
    ),
    (
        [("        await bob.connect()\n", ""), (TURNS, LATE)],
        "begins anew for everybody",
    ),
    ([(", (ada, '2')", "")], "that always says 1"),
    (
        [("(bob, '1')", "(bob, '2')")],
        "on a Counter that counts right",
    ),
    ([("assertEqual(await client.receive_from(), count)", "assertTrue(1)")], "jump"),
    ([("def test_each", "def each")], "no test was found"),
    ([("class Counter(", "class Count(")], "the class Counter is missing"),
    ([("self.seen = []", "self.seen = [0]")], "it tells ada '2' after 1"),
    ([(ACCEPT, "        await self.close()\n")], "it refuses ada"),
    ([("await ada.connect()", "...")], "`...` still stands"),
    ([("from django", "from nowhere")], "the cell raises ModuleNotFoundError"),
    ([("class CounterTest", "import os; os._exit(0)\nclass CounterTest")], "it ends"),
    ([("class CounterTest", "else\nclass CounterTest")], "is no Python"),
]


@pytest.mark.parametrize(("pairs", "words"), ANSWERS)
def test_a_wrong_answer(
    project: Path, pairs: list[tuple[str, str]], words: str
) -> None:
    answer = SOLUTION
    for old, new in pairs:
        assert old in answer
        answer = answer.replace(old, new)
    verdict = exercises.check("tests", answer, project)
    assert verdict.startswith("Not yet: ") and words in verdict, verdict
    assert len(verdict.splitlines()) == 1


def test_an_answer_that_never_ends(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutor.exercises.counting.SECONDS", 5)
    verdict = exercises.check("tests", SOLUTION + "\nwhile True: pass\n", project)
    assert verdict == "Not yet: it did not end within 5 s."


def test_other_right_answers(project: Path) -> None:
    """Any way of counting, and any class of tests that runs."""
    counter = (
        "    count = 0\n\n"
        "    async def receive(self, text_data=None, bytes_data=None):\n"
        "        self.count += 1\n"
        "        await self.send(text_data=f'{self.count}')\n"
    )
    old = re.compile(r"    async def connect.*?\n\n\n(?=class)", re.DOTALL)
    answer = old.sub(counter + "\n\n", SOLUTION)
    answer = answer.replace(
        "from django.test import TransactionTestCase",
        "from unittest import IsolatedAsyncioTestCase as TransactionTestCase",
    )
    assert "self.seen" not in answer
    verdict = exercises.check("tests", answer, project)
    assert verdict.startswith("Right. "), verdict
