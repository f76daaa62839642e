"""A check of the next step says what is missing, where, as the doctor says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor import checks, trees

STEPS = sorted((Path(__file__).parents[1] / "steps").glob("0[1-6]-*"))
MISSING = {  # after each step: the file, the code at the line, the cause
    1: ("webapp/settings.py", "INSTALLED_APPS = [", "speaks WSGI"),
    2: ("webapp/settings.py", "", "Add ASGI_APPLICATION"),
    3: ("webapp/asgi.py", "application = ", "Django's own application answers pages"),
    4: (
        "webapp/asgi.py",
        "URLRouter([])",
        "The router that is asked has an empty list",
    ),
    5: ("master_app/consumers.py", "class PracticeConsumer", "the class has none"),
    6: ("webapp/urls.py", "urlpatterns = [", "no entry for the empty path"),
}


@pytest.mark.parametrize("step", STEPS, ids=lambda path: path.name)
def test_what_the_next_step_brings_is_named(
    step: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = int(step.name[:2])
    checks.main([str(number + 1), "--project", str(step)])
    cause = capsys.readouterr().out.partition("likely cause")[2].strip()
    place, _, told = cause.partition(": ")
    file, _, line = place.partition(":")
    wanted, code, text = MISSING[number]
    assert file == wanted
    if code:
        assert code in (step / file).read_text().splitlines()[int(line) - 1]
    assert text in told
    assert f"(reread step {number + 1})" in told


def test_a_warning_of_the_step_explains_what_no_error_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = tmp_path / "project"
    trees.copy(STEPS[5], step)
    consumers = step / "master_app/consumers.py"
    text = consumers.read_text(encoding="utf-8")
    changed = text.replace("randint(0, 100)", "randint(0, int(event['text']))")
    assert changed != text
    consumers.write_text(changed, encoding="utf-8")
    checks.main(["6", "--project", str(step)])
    cause = capsys.readouterr().out.partition("likely cause")[2].strip()
    line = text[: text.index("randint(0")].count("\n") + 1
    assert cause.startswith(f"master_app/consumers.py:{line}: "), cause
    assert "(reread step 6)" in cause
