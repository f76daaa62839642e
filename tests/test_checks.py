"""The checks of the steps: what they say, in words and as a table."""

from __future__ import annotations

from pathlib import Path

import matrix
import pytest

from tutor import checks, doctor, trees
from tutor.checks import verbs
from tutor.report import Problem, Refusal

STEPS = sorted((Path(__file__).parents[1] / "steps").glob("[0-9][0-9]-*"))
SLUGS = [path.name[3:] for path in STEPS]


def test_every_checkpoint_is_in_the_matrix() -> None:
    assert len(list(Path(__file__).parent.glob("test_matrix_*.py"))) == matrix.FILES


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


MATRIX = """\
check             01 02 03
install            x  x  x
installed-apps     .  x  x
settings           .  . {sign}
"""


@pytest.mark.parametrize("sign", [" x", " ."])
def test_the_matrix_is_printed(
    sign: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = dict(zip(SLUGS[:3], (1, 2, 3), strict=True))
    for slug, number in numbers.items():
        (tmp_path / f"0{number}-{slug}").mkdir()
        (tmp_path / f"0{number}-{slug}/manage.py").touch()
    wrong = Problem("a look", "a layer", "none of it")

    def problems(tree: Path) -> dict[str, Problem | None]:
        reached = int(tree.name[:2]) - (tree.name == "03-settings" and sign == " .")
        return {slug: wrong if n > reached else None for slug, n in numbers.items()}

    monkeypatch.setattr(verbs, "problems", problems)
    monkeypatch.setattr(verbs, "NUMBERS", numbers)
    assert checks.matrix([str(tmp_path)]) == (1 if sign == " ." else 0)
    out = capsys.readouterr().out
    assert MATRIX.format(sign=sign) in out
    said = "check settings fails on 03-settings: a layer: none of it"
    assert (said in out) == (sign == " .")


def test_doctor_and_checks_agree_on_the_step_reached() -> None:
    assert doctor.diagnose(STEPS[3]).step_reached == 4
