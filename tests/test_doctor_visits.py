"""Pages that are used in a browser, since nothing is wrong with what can be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tutor import browser, doctor, trees
from tutor.doctor import visiting

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import shapes

pytestmark = [
    pytest.mark.takes(10),
    pytest.mark.skipif(browser.find() is None, reason="there is no browser"),
]

STEPS = sorted((Path(__file__).parents[1] / "steps").glob("[0-9][0-9]-*"))
ROOM = "chat/templates/chat/room.html"
FEED = "notifier/board/static/board/feed.js"
PAGE = "master_app/static/master_app/page.js"
FIELD = "JSON.stringify({'message': messageInputDom.value})"
VALUE = "client-value-taken-for-another"
# The mistake, the step or the shape, the file, and what stands there and should not.
WRONG = [
    (VALUE, 7, PAGE, ("textContent = number;", "textContent(number);")),
    (VALUE, 12, PAGE, ("type !== 'reading'", "type !== 'number'")),
    (
        "client-parses-plain-text-as-json",
        *("chat", ROOM),
        ("('room-name').textContent", "('room-name').value"),
    ),
    (
        "client-path-differs-from-route",
        *("chat", ROOM),
        ("'/ws/chat/' + roomName", "['', 'ws', 'room', roomName].join('/')"),
    ),
    ("client-function-not-called", "board", FEED, ("})();", "});")),
    (VALUE, "chat", ROOM, (FIELD, FIELD.replace("value", "text"))),
]
WRONG += [
    (
        "client-path-differs-from-route",
        *("chat", ROOM),
        ("window.location.host +", "window.location.href +"),
    ),
    (
        "client-sends-another-key",
        *("chat", ROOM),
        ("{'message': messageInputDom", "{'room_name': messageInputDom"),
    ),
]
RIGHT: list[tuple[int | str, str, tuple[str, str]]] = [
    ("chat", ROOM, (FIELD, FIELD.replace("({", "({'at': Date.now(), "))),
    # It keeps what it hears to itself.
    ("chat", ROOM, ("document.querySelector('#chat-log').value +=", "console.log")),
    # A library from elsewhere is not there.
    (
        *("chat", ROOM),
        (
            "<title>",
            "<script src='https://cdn.example/a.js'></script>\n"
            "<script>window.a.begin();</script>\n<title>",
        ),
    ),
]


def made(base: int | str, file: str, change: tuple[str, str], folder: Path) -> Path:
    """A project with one change in it."""
    if isinstance(base, str):
        return shapes.write(base, [(file, *change)], folder / base)
    trees.copy(STEPS[base - 1], folder / "project")
    path = folder / "project" / file
    text = path.read_text("utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), "utf-8")
    return folder / "project"


@pytest.mark.parametrize(("slug", "base", "file", "change"), WRONG)
def test_what_only_its_use_shows_is_named(
    slug: str, base: int | str, file: str, change: tuple[str, str], tmp_path: Path
) -> None:
    project = made(base, file, change, tmp_path)
    first = doctor.diagnose(project, visits=20).findings[0]
    assert (first.slug, first.file) == (slug, file)


@pytest.mark.parametrize(("base", "file", "change"), RIGHT)
def test_nothing_is_found_in_the_use_of_a_right_page(
    base: int | str, file: str, change: tuple[str, str], tmp_path: Path
) -> None:
    project = made(base, file, change, tmp_path)
    assert doctor.diagnose(project, visits=20).findings == []


def test_no_visit_begins_that_cannot_end_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(visiting, "started", lambda *told: begun.append(told))
    _, base, file, change = WRONG[0]
    project = made(base, file, change, tmp_path)
    assert doctor.diagnose(project, visits=0.1).findings == [], "what needs a browser"
    assert not begun


def test_the_command_visits_all_pages_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slug, base, file, change = WRONG[0]
    project = made(base, file, change, tmp_path)
    assert doctor.main([str(project), "--json", "--visit"]) == 1
    first = json.loads(capsys.readouterr().out)["findings"][0]
    assert (first["slug"], first["file"]) == (slug, file)
