"""Each step's label says what is true at its end: it works, or fails in those words.

The project as committed in steps/NN, served for real, gets one knock.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tutor import places, trees
from tutor.course import Course, Step
from tutor.servers import serving

COURSE = Course.load(places.root())
COMMAND = ["python", "manage.py", "runserver"]  # as a learner starts it from step 1 on
PATH = "/ws/whole1/"


def knocked(folder: Path, error: str) -> tuple[bool, int, str]:
    """Whether the server starts, how a knock is answered, and what the log says."""
    with serving(COMMAND, folder) as server:
        if not server.running:
            return False, 0, server.log()
        try:
            with connect(
                server.ws + PATH, origin=Origin(server.url), proxy=None, open_timeout=10
            ) as socket:
                socket.recv(timeout=10)
                socket.send("hello")
                socket.recv(timeout=10)
                code = 101
        except InvalidStatus as refused:
            code = refused.response.status_code
        if error:
            server.child.wait_for(lambda out: error in out)
        return True, code, server.log()


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.folder)
def test_a_label_is_true(step: Step, tmp_path: Path) -> None:
    tree = COURSE.tree(step.number)
    assert tree is not None
    trees.copy(tree, tmp_path)
    starts, code, log = knocked(tmp_path, step.error)
    if step.label == "broken on purpose":
        assert step.error and step.error in log, log
        assert not starts or code != 101
        return
    assert not step.error
    assert starts, log
    assert "Traceback" not in log and "ERROR" not in log, log
    # Before there is a route, what works is the page; then it is the socket.
    routed = "master_app/routing.py" in trees.files(tmp_path)
    assert (code == 101) is routed


def test_a_label_is_one_of_three() -> None:
    assert {step.label for step in COURSE.steps} <= {
        "works",
        "silent",
        "broken on purpose",
    }
    for step in COURSE.steps:
        assert (step.label == "broken on purpose") == bool(step.error)
