"""The referee: boards of two shapes that pass, declarations that don't, the card."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tutor import places, trees
from tutor.course import Course
from tutor.redis import NONE, there
from tutor.referee import (
    POINTS,
    Score,
    card,
    chart,
    cli,
    main,
    match,
    played,
    playing,
)
from tutor.referee.cli import as_json, problems
from tutor.referee.clients import Watcher
from tutor.referee.declaration import (
    FILE,
    ID,
    Declaration,
    News,
    Publish,
    Undeclared,
    filled,
    load,
)
from tutor.report import Problem, Refusal

pytestmark = pytest.mark.takes(70)

STEP = Course.load(places.root()).steps[-1]
REFERENCE = places.root() / "steps" / STEP.folder
VOTES = Path(__file__).with_name("boards") / "votes"
needs_redis = pytest.mark.skipif(not there(), reason=NONE)


# -- boards ------------------------------------------------------------------------


@needs_redis
def test_a_thousand_watch_the_reference_board(tmp_path: Path) -> None:
    me = psutil.Process()
    before = {one.pid for one in me.children(recursive=True)}
    trees.copy(REFERENCE, board := tmp_path / "board")
    # All else that runs on this machine at the same time is not the board's fault.
    (board / FILE).write_text((board / FILE).read_text() + "\n[limits]\np99 = 30\n")
    project, score = trees.files(board), played(board, 1000)
    assert {name: one.got for name, one in score.found.items() if one} == {}
    assert score.perfect and score.watchers == 1000 and not score.left_out
    assert len(score.latencies) == 10_000
    assert list(score.latencies) == sorted(score.latencies)
    assert trees.files(board) == project
    left = [one for one in me.children(recursive=True) if one.pid not in before]
    said = [" ".join(one.cmdline()) for one in left]
    assert [line for line in said if "nursery.py" not in line] == []


@needs_redis
@pytest.mark.browser
def test_a_board_of_another_shape_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], browser_path: Path
) -> None:
    """Other names, a raw consumer, a form, words as values, texts as ids."""
    path = tmp_path / "card.html"
    status = main([str(VOTES), "--json", "--watchers", "20", "--card", str(path)])
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert [one["name"] for one in told["points"] if not one["passed"]] == []
    assert (status, told["passed"], told["of"]) == (0, 8, 8)
    assert told["latency"]["deliveries"] == 200
    assert [line.split()[-1] for line in err.splitlines()[1:]] == ["passed"] * 8
    page = path.read_text()
    assert "data:image/jpeg;base64," in page and "Votes &lt;of&gt; the town" in page


@needs_redis
def test_our_own_project_is_a_board_that_declares_nothing(tmp_path: Path) -> None:
    trees.copy(REFERENCE, tmp_path)
    (tmp_path / FILE).write_text("")
    score = played(tmp_path, 12)
    assert {name: one.got for name, one in score.found.items() if one} == {}


# -- what a board says of itself ------------------------------------------------------

WRONG = {
    "socke = '/ws/'": "socke is no key of it; did you mean socket?",
    "socket = 'ws/'": "socket is a path that begins with /, not 'ws/'",
    "beside = 'x'": "beside is a list of commands, not 'x'",
    "beside = ['\"']": "beside is a list of commands",
    "publish = 1": "publish is a table, not 1",
    "[publish]\nvalues = [5]": "publish.values is two whole numbers, or",
    "[publish]\nvalues = [5, 1]": "publish.values is two whole numbers, or",
    "[publish]\ncommand = 'x'": "publish: nowhere is VALUE",
    "[publish]\ncommand = 'x VALUE'\nform = '/x/'": "publish: one way is enough",
    "[resume]\nmessage = { a = 1 }": "resume: nowhere is ID",
    "[ack]\nevery = -1": "ack.every is a whole number from 0 on, not -1",
    "[limits]\np99 = 0": "limits.p99 is a number of seconds above 0, not 0",
    "[environment]\nA = 1": "environment is a table of texts",
    "[news]\nwhen = 'x'": "news.when is a table",
    "title = ": "is no TOML",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_declaration_gets_a_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).write_text(text)
    (tmp_path / "manage.py").write_text("")
    assert main([str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and err.startswith(FILE) and WRONG[text] in err
    assert "Traceback" not in err


def test_each_error_has_its_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("socke = '/'\npage = 1\n[news]\nid = ''\n")
    with pytest.raises(Undeclared) as wrong:
        load(tmp_path)
    assert len(str(wrong.value).splitlines()) == 3


def test_no_project_and_no_declaration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "no manage.py" in capsys.readouterr().err
    (tmp_path / "manage.py").write_text("")
    assert main([str(tmp_path)]) == 2
    assert f"no {FILE}" in capsys.readouterr().err


def test_a_folder_without_manage_says_where_to_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(REFERENCE / "counter" / "tests")]) == 2
    told = capsys.readouterr().err
    assert told.splitlines()[1:] == [
        f"The project is the folder above: PROJECT={REFERENCE}"
    ]
    (tmp_path / "manage.py").touch()  # of another project, as above a workspace
    (tmp_path / "empty").mkdir()
    for path, word in (
        (tmp_path / "empty", "manage.py in"),
        (tmp_path / "nowhere", "folder"),
    ):
        assert main([str(path)]) == 2
        assert capsys.readouterr().err.splitlines() == [
            f"There is no {word} {path}.",
            "A board is a Django project: make referee PROJECT=path",
        ]


@pytest.mark.parametrize("written", [True, False])
def test_the_score_is_told_before_the_card_is_written(
    written: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "manage.py").write_text("")
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cli, "played", lambda *_, **__: score(watchers=LOST))
    path = tmp_path / ("made" if written else "file") / card.FILE
    if written:
        assert main([str(tmp_path), "--card", str(path)]) == 1
    else:
        with pytest.raises(Refusal, match="can't be written"):
            main([str(tmp_path), "--card", str(path)])
    out = capsys.readouterr().out
    assert "6 of 8 points" in out
    assert (f"Report card: {path}" in out) == path.is_file() == written


def test_a_machine_that_does_not_let_it_run_is_no_lost_point(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def narrow(*_: object, **__: object) -> Score:
        raise Refusal("Type `ulimit -n 1300` first")

    (tmp_path / "manage.py").write_text("")
    monkeypatch.setattr(cli, "played", narrow)
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == "Type `ulimit -n 1300` first\n"


def test_what_is_left_out_is_as_in_our_own_project(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("")
    assert load(tmp_path) == Declaration()
    (tmp_path / FILE).write_text("[ack]\nevery = 0\n")
    assert load(tmp_path).ack is None


def spoilt(folder: Path, *changes: tuple[str, str, str]) -> Path:
    trees.copy(VOTES, folder)
    for name, old, new in changes:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
    return folder


MISFITS = {
    "another socket": ("board.toml", '"/live/town"', '"/live/"', "answers ada's own"),
    "another form": ("board.toml", "/town/cast", "/town/casts", "404 Not Found"),
    "other news": ("board.toml", '"vote" }', '"votes" }', "What came is {'op': 'vote'"),
    "no server": ("home/door.py", "import os", "import so", "No module named 'so'"),
    "no settings": ("home/conf.py", "import os", "import so", "can't be read"),
    "another database": (
        "home/conf.py",
        'HERE / "votes.db"',
        "'/nowhere/votes.db'",
        "keeps off it",
    ),
    "another Redis": (
        "home/conf.py",
        'os.environ["REDIS_URL"]',
        "'redis://localhost'",
        "a Redis of its own",
    ),
    "a command that ends": (
        "board.toml",
        "[environment]",
        "beside = ['python manage.py nobody']\n[environment]",
        "beside: python manage.py nobody does not stay",
    ),
}


@needs_redis
@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit_the_board_is_said(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, old, new, words = MISFITS[what]
    assert main([str(spoilt(tmp_path / "x", (name, old, new))), "--watchers", "1"]) == 2
    err = capsys.readouterr().err
    assert words in err, err
    assert len(err.splitlines()) <= 3 and "Traceback" not in err


@pytest.mark.parametrize("slow", [False, True])
def test_a_match_that_is_cut_short_is_told_rightly(
    slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are in order, and how long was waited is what was waited."""

    @asynccontextmanager
    async def publisher(_: object) -> AsyncIterator[None]:
        yield

    async def tried(*_: object) -> None:
        return None

    async def scene(of: playing.Match) -> None:
        of.latencies += [3.0, 1.0, 2.0]
        if slow:
            await asyncio.sleep(60)
        raise playing.Failed("not heard")

    board = SimpleNamespace(declared=Declaration(), project=Path("board"))
    monkeypatch.setattr(match, "Publisher", publisher)
    monkeypatch.setattr(match, "_tried", tried)
    monkeypatch.setattr(match, "SCENES", dict.fromkeys(POINTS, scene))
    monkeypatch.setattr(match, "SCENE", 0.2)
    monkeypatch.setattr(match, "WHOLE", 0.1)
    monkeypatch.setattr(match, "LEAST", 0.05)
    score = asyncio.run(match._play(board, 1, False, lambda line: None))
    assert list(score.latencies) == sorted([3.0, 1.0, 2.0] * len(POINTS))
    got = {one.got: one.cause for one in score.found.values() if one}
    if slow:
        assert set(got) == {"no end within 0.1 s", "no end within 0.05 s"}
        assert all("machine" in cause for cause in got.values())
    else:
        assert set(got) == {"not heard"}


def test_what_comes_late_out_of_a_history_is_no_news() -> None:
    """What another one has heard before is not what was published now."""

    async def told() -> list[object]:
        board = SimpleNamespace(declared=Declaration())
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:

            async def publish(_: object) -> int:
                await ear._note('{"type": "reading", "id": 1, "value": 7}')
                new = '{"type": "reading", "id": 2, "value": 7}'
                group.create_task(ear._note(new))
                return 7

            of = playing.Match(board, publish, 1)
            ear = Watcher(board.declared, {}, heard=of.heard)
            of.heard.add(1)
            return await of.tell(None, ear)

    assert asyncio.run(told()) == [2]


INTERRUPTED = """
import asyncio, os, signal
from contextlib import suppress
from tutor.checks import talk

talk.AGAIN = 0.2
signal.signal(signal.SIGINT, signal.default_int_handler)

async def talks():
    os.kill(os.getpid(), signal.SIGINT)
    with suppress(asyncio.CancelledError):  # as clean-up does here and there
        await asyncio.sleep(60)
    try:
        await asyncio.sleep(60)
    finally:
        print("cleaned up")

try:
    talk.run(talks())
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_does_not_wait_for_the_end() -> None:
    argv = [sys.executable, "-P", "-c", INTERRUPTED]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=40)
    assert (done.stdout, done.stderr) == ("cleaned up\ninterrupted\n", "")


@needs_redis
def test_a_match_that_is_ended_takes_all_along(tmp_path: Path) -> None:
    argv = [sys.executable, "-u", "-P", "-m", "tutor", "referee", str(VOTES)]
    argv += ["--watchers", "1000", "--card", str(tmp_path / "card.html")]
    run = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert run.stdout
        lines = [run.stdout.readline(), run.stdout.readline()]
        assert lines[1].endswith("passed\n"), lines
        started = psutil.Process(run.pid).children(recursive=True)
        assert started
        run.send_signal(signal.SIGTERM)  # as Ctrl-C, and never ignored
        rest, _ = run.communicate(timeout=60)
        assert "watchers" not in rest and "Traceback" not in rest, rest
        assert run.returncode == 143
        assert psutil.wait_procs(started, timeout=10)[1] == []
    finally:
        run.kill()
        run.wait()


# -- its parts -----------------------------------------------------------------------


def test_a_word_is_filled_in_as_what_it_stands_for() -> None:
    message = {"a": ID, "b": [ID, f"after {ID}"], "c": 1}
    assert filled(message, ID, 7) == {"a": 7, "b": [7, "after 7"], "c": 1}


def test_news_is_told_by_its_fields() -> None:
    news = News({"type": "call", "call.kind": "x"}, "call.id", "call.desk")
    call = {"id": 0, "desk": 2, "kind": "x"}
    assert news.read({"type": "call", "call": call}) == (0, 2)
    for other in ({"type": "call"}, {"call": call}, "call", None, [call]):
        assert news.read(other) is None


def test_values_are_those_that_may_be_published() -> None:
    for values in ((0, 100), (1, 4), ("yes", "no"), (5, 6)):
        made = [Publish(values=values).value(n) for n in range(300)]
        least, most = min(made), max(made)
        assert {least, most} == {min(values), max(values)} or values == (0, 100)
        if values == (0, 100):
            assert least >= 0 and most <= 100 and len(set(made)) > 40


LOST = Problem("tried it", "expected it", "got <that>", "a cause", reread="step 9")


def score(**found: Problem | None) -> Score:
    return Score(
        'A "board"',
        {name: found.get(name.replace(" ", "_")) for name in POINTS},
        {"logout": "no Redis here"},
        1000,
        [n / 10_000 for n in range(1, 10_001)],
        3.0,
        b"\xff\xd8picture",
    )


def test_the_card_is_one_page_that_needs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "made" / card.FILE
    card.write(score(watchers=LOST), path)
    text = path.read_text()
    assert "6</b> of 8 points" in text
    assert text.count('aria-label="passed"') == 6
    assert text.count('aria-label="lost"') == 1
    assert text.count('aria-label="left out"') == 1
    assert "got &lt;that&gt;" in text and "step 9" in text
    assert "A &quot;board&quot;" in text
    outside = re.findall(r'(?:src|href)="(?!data:)[^"]*|@import|url\(', text)
    assert outside == []
    open_tags: list[str] = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "img", "rect", "path"):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert tag in ("rect", "path") or open_tags.pop() == tag

    Balanced().feed(text)
    assert open_tags == []


def test_the_chart_says_what_it_shows() -> None:
    drawn = chart.drawn([n / 1000 for n in range(1, 1001)], 100)
    assert (
        'aria-label="1,000 deliveries to 100 watchers: half within 501 ms, '
        '99 % within 991 ms, all within 1.0 s"'
    ) in drawn
    assert chart.drawn([], 100) == ""


def test_each_lost_point_speaks_in_four_lines() -> None:
    lines = "\n".join(problems(score(watchers=LOST))).splitlines()
    assert [line.split()[0] for line in lines if line] == [
        "✗",
        "tried",
        "expected",
        "got",
        "likely",
        "?",
    ]


def test_the_score_for_programs() -> None:
    told = as_json(score(watchers=LOST))
    assert told["passed"] == 6
    assert told["latency"] == {
        "deliveries": 10_000,
        "p50": 0.5001,
        "p99": 0.9901,
        "limit": 3.0,
    }
