"""The known mistakes: their files, and the tables of symptoms that are made of them."""

from __future__ import annotations

import html
import json
import re
import tempfile
import threading
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from tutor import edits
from tutor.doctor import catalogue, making, scenes, symptoms
from tutor.doctor.catalogue import Mistake
from tutor.lint.cells import OUTPUT_CHARACTERS
from tutor.report import Refusal

ROOT = Path(__file__).parents[1]
MISTAKES = catalogue.mistakes()
SOFT = re.compile(r"\b(just|simply|obviously|easy|easily|probably)\b", re.IGNORECASE)
LOGS = ("log", "or")  # where what is logged varies, one of two texts
FIELDS = {"title", "step", "severity", "cause", "cure", "reread", "base", "without",
          "versions", "redis", "aim", "symptom", "scene", "at", "change"}  # fmt: skip


def slugs(*steps: int) -> list[str]:
    """The mistakes of some steps; what needs more than a server is tested elsewhere."""
    others = in_browser() + on_redis()
    return [s for s, m in MISTAKES.items() if m.step in steps and s not in others]


def in_browser() -> list[str]:
    """The mistakes that a page shows."""
    return [slug for slug, one in MISTAKES.items() if "page" in one.scene]


def behind_nginx(are: bool = True) -> list[str]:
    """The mistakes of deployment that show through a proxy, or the others."""
    return [s for s in slugs(16) if ("front" in MISTAKES[s].scene) is are]


def on_redis() -> list[str]:
    """The mistakes that show on a Redis of ours."""
    return [s for s, m in MISTAKES.items() if "redis" in {*m.data, *m.scene}]


def prove(slug: str, folder: Path) -> None:
    """Make a mistake, run the project, see the symptom, and hear it named first."""
    mistake = MISTAKES[slug]
    checkpoint = next((ROOT / "steps").glob(f"{mistake.base:02}-*"))
    project = folder / "project"
    making.make(mistake, checkpoint, project)
    python = making.interpreter(mistake, folder / "environment")
    seen = making.observe(mistake, project.resolve(), python)
    claimed = mistake.symptom
    if "client" in claimed:
        either = (claimed["client"], claimed.get("or_client", claimed["client"]))
        assert seen.client in either, seen.log[-2000:]
    if "greeting" in claimed:
        assert len(seen.heard) == 2, "two answers, which may be 0, and no greeting"
    assert any(claimed.get(name, claimed.get("log", "")) in seen.log for name in LOGS)
    if mistake.scene:
        assert claimed.get("log") or "Traceback" not in seen.log
        right = [change for change in mistake.change if change.get("right")]
        client, log = rightly(mistake.base, json.dumps([mistake.scene, right]))
        assert client != claimed["client"], "the right project shows it, too"
        assert "Traceback" not in log
    assert seen.problems, "the diagnosis found nothing"
    first = seen.problems[0]
    assert first.slug == slug, [(p.slug, p.place, p.got) for p in seen.problems]
    assert first.severity == mistake.severity
    _is_there(first.file, first.line, mistake, project)


_turns: dict[tuple[int, str], threading.Lock] = {}


def rightly(base: int, told: str) -> tuple[str, str]:
    """Play a scene where nothing is wrong; once for all mistakes that have it."""
    with _turns.setdefault((base, told), threading.Lock()):
        return _rightly(base, told)


@cache
def _rightly(base: int, told: str) -> tuple[str, str]:
    scene, changes = json.loads(told)
    checkpoint = next((ROOT / "steps").glob(f"{base:02}-*"))
    with tempfile.TemporaryDirectory() as folder:
        making.prepare(changes, checkpoint, Path(folder))
        return scenes.play(scene, Path(folder))


def _is_there(
    file: str | None, line: int | None, mistake: Mistake, project: Path
) -> None:
    at = mistake.data.get("at")
    if at is None:
        return
    assert file == at["file"]
    if "line" in at:
        assert line is not None
        text = (project / file).read_text(encoding="utf-8").splitlines()[line - 1]
        assert at["line"] in text


def test_there_are_fifty_for_the_first_six_steps() -> None:
    assert len([m for m in MISTAKES.values() if m.step <= 6]) >= 50


@pytest.mark.parametrize("slug", MISTAKES)
def test_a_file_is_complete_and_reads_well(slug: str) -> None:
    mistake = MISTAKES[slug]
    assert set(mistake.data) <= FIELDS
    assert mistake.severity in ("error", "warning", "advice")
    written = mistake.step <= len(list((ROOT / "steps").iterdir()))
    assert re.fullmatch(r"step \d+" if written else "", mistake.reread)
    for text in (mistake.title, mistake.cause, mistake.cure):
        assert not SOFT.search(text)
        assert "`" not in text
        for sentence in re.split(r"(?<=[.;:?!]) ", text):
            assert len(sentence.split()) <= 30, sentence
    assert not mistake.title.endswith(".")
    assert mistake.cause.endswith((".", "]")) and mistake.cure.endswith(".")


def test_each_is_made_somewhere() -> None:
    parts = [slugs(step) for step in range(1, 18)]
    assert sorted([*chain(*parts), *in_browser(), *on_redis()]) == sorted(MISTAKES)


def test_every_slug_of_the_rules_has_a_file() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src/tutor/doctor/rules").rglob("*.py")
    )
    areas = (
        "install|apps|routing|consumer|client|group|auth|db|redis|worker|load|python|"
        "project|nginx|deploy|layer|test"
    )
    named = set(re.findall(rf'"((?:{areas})-[a-z0-9]+(?:-[a-z0-9]+)+)"', code))
    assert named - set(MISTAKES) == set()


def test_an_unknown_cause_is_not_claimed() -> None:
    problem = catalogue.problem(catalogue.Found(None, "OSError: strange", ("a.py", 3)))
    assert problem.slug is None
    assert problem.cause == ""
    assert "OSError: strange" in str(problem)


def test_the_tables_lead_from_each_symptom_to_each_cause() -> None:
    tables = {place: symptoms.table(place) for place in symptoms.PLACES}
    rows = symptoms.symptoms()
    assert len(rows) == len([m for m in MISTAKES.values() if m.symptom])
    assert sum(len(table.rows) for table in tables.values()) == len(rows)
    for row in rows:
        assert len(row.symptom) > 3
        text, page = repr(tables[row.where]), tables[row.where]._repr_html_()
        for told in (row.symptom, f"{row.cause}. {row.cure}"):
            assert told in text
            assert told in html.unescape(page)
    pages = [table._repr_html_() for table in tables.values()]
    assert "No handler for message type websocket.connect" in pages[0]
    assert all("<script>" not in page for page in pages)
    assert max(map(len, pages)) <= OUTPUT_CHARACTERS, "divide the longest"


def test_what_nobody_writes_is_said_in_a_sentence() -> None:
    silent = {
        mistake.symptom["client"]
        for mistake in MISTAKES.values()
        if mistake.symptom and "log" not in mistake.symptom
    }
    page = "The install worked successfully! Congratulations!"  # is one
    assert silent == {*symptoms._CLIENT, page}


def test_a_table_of_another_place_is_refused() -> None:
    with pytest.raises(Refusal, match=r"'terminal'.*log, console, client"):
        symptoms.table("terminal")


def test_only_a_page_writes_to_the_console() -> None:
    where = {s: m for s, m in MISTAKES.items() if "where" in m.symptom}
    assert len(where) > 10
    for mistake in where.values():
        assert mistake.symptom["where"] == "console"
        assert "page" in mistake.scene or mistake.scene["front"] == "browser"
        assert "No route found" not in mistake.symptom["log"], "the server says that"


def test_a_change_that_is_there_already_is_refused(tmp_path: Path) -> None:
    mistake = MISTAKES["consumer-int-payload"]
    checkpoint = next((ROOT / "steps").glob("06-*"))
    making.make(mistake, checkpoint, tmp_path / "once")
    with pytest.raises(edits.EditError):
        making.make(mistake, tmp_path / "once", tmp_path / "twice")
