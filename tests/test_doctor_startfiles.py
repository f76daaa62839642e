"""What the files say that start a project: the words that a shell would see."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from tutor.children import Child
from tutor.doctor import bound, startfiles


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


def test_a_server_that_has_ended_listens_nowhere(tmp_path: Path) -> None:
    """What can't listen ends by itself, before or after we look where it listens."""
    child = Child([sys.executable, "-c", ""], tmp_path)
    guard = psutil.Process(child.pid)
    child.wait(20)
    psutil.wait_procs([guard], 20)
    assert bound._addresses(child) == set()
