"""The checks of the steps: they pass from their step on, and fail before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor import checks, doctor, trees
from tutor.checks import verbs
from tutor.report import Refusal

pytestmark = pytest.mark.takes(300)

STEPS = sorted((Path(__file__).parents[1] / "steps").glob("[0-9][0-9]-*"))
SLUGS = [path.name[3:] for path in STEPS]


def test_every_step_has_its_check() -> None:
    assert set(SLUGS) == checks.KNOWN


@pytest.mark.parametrize("slug", SLUGS)
def test_a_check_bites(slug: str) -> None:
    passed = [verbs.passes(step, slug) for step in STEPS]
    number = SLUGS.index(slug)
    assert passed == [False] * number + [True] * (len(STEPS) - number)


def test_titles_are_the_same_whatever_the_project() -> None:
    first = [check.title for check in checks.check_step(STEPS[0], "asgi")]
    last = [check.title for check in checks.check_step(STEPS[5], "asgi")]
    assert first == last


def test_a_step_without_a_check_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        checks.check_step(STEPS[0], "fixture")


def test_a_broken_project_fails_at_the_first_question(tmp_path: Path) -> None:
    trees.copy(STEPS[5], tmp_path / "project")
    (tmp_path / "project/webapp/settings.py").write_text("import nothing_of_the_kind\n")
    found = checks.check_step(tmp_path / "project", "consumer")
    assert found[0].problem is not None
    assert "nothing_of_the_kind" in found[0].problem.got
    assert all(check.problem for check in found)


def test_check_says_how_far_a_project_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.main(["--project", str(STEPS[1])]) == 1
    out = capsys.readouterr().out
    assert "step 2  installed-apps  reached" in out
    assert "step 3  no   ASGI_APPLICATION names an application" in out
    assert "likely cause" in out


def test_check_of_one_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.main(["6", "--project", str(STEPS[5])]) == 0
    assert "step 6  yes  the first message is the text 0" in capsys.readouterr().out
    with pytest.raises(Refusal, match="no check for step 99"):
        checks.main(["99", "--project", str(STEPS[5])])


def test_check_without_a_project_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="make lab"):
        checks.main(["--project", str(tmp_path)])


def test_a_failed_check_names_the_known_mistake(tmp_path: Path) -> None:
    trees.copy(STEPS[5], tmp_path / "project")
    file = tmp_path / "project/master_app/consumers.py"
    file.write_text(file.read_text().replace("'text': '0'", "'text': 0"))
    problem = verbs.first_problem(checks.check_step(tmp_path / "project", "consumer"))
    assert problem is not None
    named = verbs.explained(tmp_path / "project", problem, 6)
    assert named.slug == "consumer-int-zero-never-sent"
    assert named.place == "master_app/consumers.py:13"


def test_the_matrix_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.matrix([str(STEPS[0].parent)]) == 0
    out = capsys.readouterr().out
    assert "consumer           .  .  .  .  .  x" in out


def test_doctor_and_checks_agree_on_the_step_reached() -> None:
    assert doctor.diagnose(STEPS[3]).step_reached == 4
