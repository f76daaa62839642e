"""`make lab`: the learner's copy is made once, updated, and never lost."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from labs import environment, lab, small_course
from websockets.sync.client import connect

from tutor import notebook
from tutor.__main__ import main
from tutor.arguments import refuse_unknown
from tutor.lab import prepare
from tutor.report import Refusal

pytestmark = pytest.mark.takes(17)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A small course, and a person's Jupyter folders that are not the real ones."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TUTOR_ROOT", str(tmp_path / "course"))
    return small_course(tmp_path / "course", "one = 1", "two = 2")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "course" / "workspace"


def sources(folder: Path) -> list[str]:
    return [c["source"] for c in notebook.read(folder / "tutorial.ipynb")["cells"]]


def changed(folder: Path, number: int, source: str) -> None:
    """What a learner does in Lab: change a cell, save."""
    path = folder / "tutorial.ipynb"
    mine = json.loads(path.read_text())
    mine["cells"][number]["source"] = [source]
    path.write_text(json.dumps(mine))


def saved(folder: Path) -> list[Path]:
    return sorted(folder.glob(".tutor/saved/*/tutorial.ipynb"))


def test_a_copy_for_who_opens_it_elsewhere(
    course: dict[str, Any], workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for done in ("Made workspace/tutorial.ipynb", "workspace/tutorial.ipynb is up to"):
        assert main(["workspace"]) == 0
        said = capsys.readouterr().out.splitlines()
        assert said[0].startswith(done)
        assert said[1].startswith("Next: open workspace/tutorial.ipynb with the kernel")
    assert sources(workspace) == ["one = 1", "two = 2"]
    assert main(["workspace", "x"]) == 1


def test_a_new_copy_has_no_outputs(course: dict[str, Any], workspace: Path) -> None:
    said = prepare(workspace, course)
    assert (
        said == "Made workspace/tutorial.ipynb, your own copy; it is yours to change."
    )
    made = notebook.read(workspace / "tutorial.ipynb")
    assert [cell["execution_count"] for cell in made["cells"]] == [None, None]
    assert not any(cell["outputs"] for cell in made["cells"])


def test_the_second_time_nothing_is_touched(
    course: dict[str, Any], workspace: Path
) -> None:
    prepare(workspace, course)
    changed(workspace, 0, "mine = 1")
    before = (workspace / "tutorial.ipynb").read_bytes()
    assert prepare(workspace, course) == "workspace/tutorial.ipynb is up to date."
    assert (workspace / "tutorial.ipynb").read_bytes() == before
    assert not saved(workspace)


def test_an_update_keeps_the_learners_cell_and_saves_the_copy_first(
    course: dict[str, Any], workspace: Path
) -> None:
    prepare(workspace, course)
    changed(workspace, 0, "mine = 1")
    before = (workspace / "tutorial.ipynb").read_bytes()
    course["cells"][0]["source"] = "one = 'new'"
    course["cells"][1]["source"] = "two = 'new'"
    said = prepare(workspace, course)
    assert sources(workspace) == ["mine = 1", "two = 'new'"]
    assert "1 cell updated, 1 cell left as you changed them" in said
    (copy,) = saved(workspace)
    assert copy.read_bytes() == before
    assert str(copy.relative_to(workspace.parent)) in said
    assert prepare(workspace, course).endswith("is up to date.")


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"nbformat": 3}'])
def test_an_unreadable_copy_is_saved_and_replaced(
    course: dict[str, Any], workspace: Path, broken: str
) -> None:
    prepare(workspace, course)
    (workspace / "tutorial.ipynb").write_text(broken)
    said = prepare(workspace, course)
    (copy,) = saved(workspace)
    assert copy.read_text() == broken
    assert "was no readable notebook" in said
    assert str(copy.relative_to(workspace.parent)) in said
    assert sources(workspace) == ["one = 1", "two = 2"]


def test_without_the_record_of_what_was_given_out_the_learner_wins(
    course: dict[str, Any], workspace: Path
) -> None:
    prepare(workspace, course)
    (workspace / ".tutor" / "course.ipynb").unlink()
    changed(workspace, 0, "mine = 1")
    prepare(workspace, course)
    assert sources(workspace) == ["mine = 1", "two = 2"]


def test_two_saves_in_one_second_are_two_copies(
    course: dict[str, Any], workspace: Path
) -> None:
    prepare(workspace, course)
    for text in ("{", "["):
        (workspace / "tutorial.ipynb").write_text(text)
        prepare(workspace, course)
    assert sorted(path.read_text() for path in saved(workspace)) == ["[", "{"]


def test_a_workspace_that_cannot_be_made(
    course: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="can't be written"):
        prepare(tmp_path / "file" / "workspace", course)


def answers(url: str) -> int:
    base, token = re.fullmatch(
        r"(.+)/lab/tree/tutorial.ipynb\?token=(\w+)", url
    ).groups()  # type: ignore[union-attr]
    with urllib.request.urlopen(
        f"{base}/api/status?token={token}", timeout=10
    ) as answer:
        return int(answer.status)


def start_kernel(url: str) -> None:
    """Start a kernel and wait until it is idle, with nothing left to answer.

    Whoever interrupts it before, as a server does at its end, is told of it in the log.
    """
    api, _, query = url.replace("/lab/tree/tutorial.ipynb", "/api/kernels").partition(
        "?"
    )
    request = urllib.request.Request(f"{api}?{query}", method="POST", data=b"{}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        kernel = json.load(answer)["id"]
    address = f"{api.replace('http', 'ws', 1)}/{kernel}/channels?{query}"
    ask = {"msg_id": "ours", "msg_type": "kernel_info_request", "version": "5.3"}
    ask |= {"session": "ours", "username": "", "date": "2026-01-01T00:00:00Z"}
    parts: dict[str, Any] = {"parent_header": {}, "metadata": {}, "content": {}}
    with connect(address, open_timeout=30) as socket:
        socket.send(json.dumps({"channel": "shell", "header": ask, **parts}))
        idle = "ours", {"execution_state": "idle"}
        while idle != said(json.loads(socket.recv(timeout=30))):
            pass


def said(message: dict[str, Any]) -> tuple[str | None, Any]:
    """Which request a message of a kernel is about, and what it holds."""
    return message["parent_header"].get("msg_id"), message["content"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_prints_the_address_and_ends_without_a_trace(
    course: dict[str, Any], tmp_path: Path, number: int
) -> None:
    with lab(dict(os.environ)) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert answers(server.url) == 200
        start_kernel(server.url)
        assert server.children()
        assert server.end(number) == (0, [])
    assert [line.split()[0] for line in server.said] == [
        "Made", "The", "Ctrl-C", "JupyterLab",
    ], server.said  # fmt: skip
    assert not list((tmp_path / "jupyter_runtime_dir").glob("jpserver-*.json"))


def test_a_second_server_is_announced_and_a_taken_port_passed_by(
    course: dict[str, Any], workspace: Path
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        lab(dict(os.environ)) as first,
    ):
        course["cells"][0]["source"] = "one = 'new'"
        (workspace.parent / "tutorial.ipynb").write_text(json.dumps(course))
        port = taken.getsockname()[1]
        with lab(dict(os.environ), f"--port={port}") as second:
            assert answers(second.url) == 200
            assert f":{port}/" not in second.url
    assert second.said[0].startswith("JupyterLab already runs on workspace: http://")
    assert first.url.partition("?token=")[2] in second.said[0]
    assert sources(workspace) == ["one = 1", "two = 2"], "it is open over there"


def test_the_original_is_opened_by_edit(
    course: dict[str, Any], workspace: Path
) -> None:
    with lab(dict(os.environ), verb="edit") as server:
        assert answers(server.url) == 200
    assert server.said[0] == "This is the original. After a change: make checkpoints"
    assert not workspace.exists()


NO = "JupyterLab has no option"


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("--no-brwser", f"{NO} --no-brwser; did you mean --no-browser?"),
        ("--prot=8888", f"{NO} --prot; did you mean --port?"),
        ("-no-brwser", f"{NO} -no-brwser; did you mean --no-browser?"),
        ("--q", f"{NO} --q; make lab ARGS=--help lists them."),
        ("--port", "--port needs a value: --port=..."),
        ("--ServerApp.port", "--ServerApp.port needs a value: --ServerApp.port=..."),
        ("--no-browser=1", "--no-browser takes no value."),
    ],
)
def test_a_slip_in_an_option_is_one_line(
    course: dict[str, Any],
    workspace: Path,
    option: str,
    line: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["lab", option]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"make lab: {line}\n")
    assert not workspace.exists(), "nothing was made"


def test_what_jupyter_knows_is_handed_on() -> None:
    words = ["--no-browser", "--port", "8888", "--port=0", "-y", "--LabApp.x=1"]
    refuse_unknown(
        "lab", [*words, "--help", "--", "--odd"], {"no-browser", "y"}, {"port"}
    )
