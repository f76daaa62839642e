"""What the files say that start a project: the words that a shell would see."""

from __future__ import annotations

from tutor.doctor import startfiles


def told(script: str) -> list[object]:
    read = startfiles.reader("start.sh")
    assert read is not None
    return [said for _, said, _ in read(script)]


def test_a_script_says_by_a_variable_what_it_serves() -> None:
    script = 'APP=site.wsgi:application\nexec gunicorn -b ":8000" "${APP}"\n'
    assert told(script) == ['exec gunicorn -b ":8000" "site.wsgi:application"']


def test_a_variable_with_two_values_stays_unknown() -> None:
    script = "APP=one.asgi:app\nAPP=two.asgi:app\nexec daphne $APP\n"
    assert told(script) == ["exec daphne $APP"]
