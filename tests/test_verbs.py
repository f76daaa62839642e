"""The verbs of the shell, over a small course: what they do, and what they say."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tutor import places, trees
from tutor.__main__ import VERBS, main

from .courses import APP, TREES, WITH_BELL, make, write_tree


@dataclass(frozen=True)
class Said:
    """How a verb ended: its status, its words, its complaints."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Verb = Callable[..., Said]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make(tmp_path.resolve() / "course")
    monkeypatch.setenv("TUTOR_ROOT", str(root))
    monkeypatch.delenv("TUTOR_WORKSPACE", raising=False)
    return root


@pytest.fixture
def work(course: Path) -> Path:
    return course / "workspace"


@pytest.fixture
def verb(course: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Verb]:
    def run(*argv: str) -> Said:
        status = main(list(argv))
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    handler = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, handler)


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- goto and reset ---------------------------------------------------------------


def test_goto_in_an_empty_workspace(verb: Verb, course: Path, work: Path) -> None:
    said = verb("goto", "2")
    assert said == Said(
        0,
        "Your workspace is at the end of step 2.\n"
        "Next: make lab, and run step 3 from its first cell.\n",
        "",
    )
    assert trees.same(work, course / "steps/02-two")
    assert places.Progress(work).reached == 2
    assert not (work / ".tutor/saved").exists()


def test_goto_saves_first_and_says_where(verb: Verb, course: Path, work: Path) -> None:
    write_tree(work, {"app.py": "mine", "gone.py": "mine too", "a/b.py": "b"})
    mine = trees.files(work)
    said = verb("goto", "3")
    assert said.lines[0].startswith("Saved what was there: workspace/.tutor/saved/")
    assert said.lines[1] == "Your workspace is at the end of step 3."
    saved = course / said.lines[0].split()[4]
    assert trees.files(saved) == mine
    assert trees.same(work, course / "steps/03-three")
    assert not (work / "gone.py").exists() and not (work / "a").exists()
    trees.replace(saved, work)  # "copy it back to undo this"
    assert trees.files(work) == mine


def test_goto_again_and_again_keeps_every_copy(verb: Verb, work: Path) -> None:
    write_tree(work, {"app.py": "first"})
    verb("goto", "1")
    assert verb("goto", "2").status == 0
    assert verb("goto", "2").status == 0
    saved = [path.read_text() for path in work.glob(".tutor/saved/*/app.py")]
    assert sorted(saved) == sorted(["first", APP, WITH_BELL])


def test_goto_0_is_the_beginning(verb: Verb, work: Path) -> None:
    verb("goto", "2")
    (work / "tutorial.ipynb").write_text("{}")
    said = verb("goto", "0")
    assert said.lines[1:] == [
        "It is empty again.",
        "Next: make lab, and run step 1 from its first cell.",
    ]
    assert trees.files(work) == {} and places.Progress(work).reached == 0
    assert (work / "tutorial.ipynb").read_text() == "{}"


def test_goto_the_last_step_says_no_next(verb: Verb) -> None:
    assert verb("goto", "3").lines == ["Your workspace is at the end of step 3."]


def test_reset_goes_back_to_the_last_step_that_was_reached(
    verb: Verb, course: Path, work: Path
) -> None:
    verb("goto", "2")
    (work / "app.py").write_text("a mess")
    said = verb("reset")
    assert "Saved what was there" in said.lines[0]
    assert said.lines[1].startswith("Your workspace is back at the end of step 2.")
    assert trees.same(work, course / "steps/02-two")
    assert [p.read_text() for p in work.glob(".tutor/saved/*/app.py")] == ["a mess"]


def test_reset_at_the_beginning(verb: Verb, work: Path) -> None:
    write_tree(work, {"app.py": "mine"})
    assert "back at the very beginning" in verb("reset").out
    assert trees.files(work) == {}
    assert verb("reset", "2").status == 1


def test_goto_brings_back_what_was_broken_first(verb: Verb, work: Path) -> None:
    from tutor import broken

    write_tree(work, {"app.py": "mine"})
    broken.write(work, "app.py", b"broken")
    verb("goto", "1")
    assert [p.read_text() for p in work.glob(".tutor/saved/*/app.py")] == ["mine"]
    assert broken.mend(work).names == []


def test_a_mended_project_has_no_folder_more(work: Path) -> None:
    from tutor import broken

    (work / "mine").mkdir(parents=True)
    broken.write(work, "evil/deep/index.html", b"kittens")
    broken.write(work, "kept/index.html", b"kittens")
    broken.write(work, "mine/index.html", b"kittens")
    write_tree(work, {"kept/own.html": "mine"})
    assert len(broken.mend(work).names) == 3
    assert sorted(path.name for path in work.iterdir()) == [".tutor", "kept", "mine"]
    assert [path.name for path in (work / "kept").iterdir()] == ["own.html"]


# -- a workspace that can't be written -----------------------------------------------


def test_nothing_is_changed_where_nothing_can_be_saved(verb: Verb, work: Path) -> None:
    write_tree(work, {"app.py": "mine", ".tutor/saved": "a file where a folder goes"})
    before = everything(work)
    said = verb("goto", "2")
    assert (said.status, said.out) == (1, "")
    assert "could not be saved" in said.err and "nothing was changed" in said.err
    assert everything(work) == before


def test_a_full_disk_while_saving(
    verb: Verb, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    write_tree(work, {"app.py": "mine"})
    monkeypatch.setattr(Path, "write_bytes", full)
    said = verb("goto", "2")
    assert said.status == 1 and "No space left" in said.err
    assert len(said.err.splitlines()) <= 3 and "Traceback" not in said.err
    assert trees.files(work) == {"app.py": b"mine"}


@pytest.mark.parametrize("name", ["goto", "reset"])
def test_a_workspace_that_is_no_folder(verb: Verb, work: Path, name: str) -> None:
    work.write_text("a file")
    said = verb(name, *["2"] * (name == "goto"))
    assert said.status == 1 and "can't be written" in said.err
    assert work.read_text() == "a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_workspace_without_permission(verb: Verb, work: Path) -> None:
    write_tree(work, {"app.py": "mine"})
    work.chmod(0o555)
    try:
        said = verb("goto", "2")
        assert said.status == 1 and "could not be saved" in said.err
        assert everything(work) == {"app.py": b"mine"}
    finally:
        work.chmod(0o755)


# -- diff ---------------------------------------------------------------------------


def test_diff_shows_the_step_and_mine_beside_it(verb: Verb, work: Path) -> None:
    said = verb("diff", "2")
    assert said.status == 0
    first = said.lines[0]
    assert first == ("Step 2: 10 minutes · app.py +1 −0 · broken on purpose: No ring")
    assert "+BELL = 'bell'" in said.lines
    assert said.lines[-1] == "Your workspace holds no project yet. Begin: make lab"
    verb("goto", "2")
    assert verb("diff", "2").lines[-1] == "Your workspace equals the end of step 2."
    (work / "app.py").write_text(WITH_BELL + "MINE = 1\n")
    said = verb("diff", "2")
    assert "beside the end of step 2" in said.out and "+MINE = 1" in said.lines


def test_diff_of_the_first_step_and_of_empty_files(verb: Verb, course: Path) -> None:
    (course / "steps/01-one/empty.py").touch()
    said = verb("diff", "1")
    assert "+NAME = 'door'" in said.lines and "empty.py (empty)" in said.lines


# -- what can not be ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["step", "serve", "diff", "goto"])
@pytest.mark.parametrize("number", ["99", "x", "-1", "1.5", "", "\u00b2", None])
def test_no_such_step(verb: Verb, course: Path, name: str, number: str | None) -> None:
    before = everything(course)
    said = verb(name, *[number] * (number is not None))
    assert said.status == 1 and said.out == ""
    assert len(said.err.splitlines()) == 1
    assert "there are steps" in said.err and "to 3" in said.err
    assert everything(course) == before


def test_no_such_verb(verb: Verb) -> None:
    said = verb("gto")
    assert said.status == 2 and said.err == "There is no verb gto; did you mean goto?\n"
    assert verb("zzzz").err.startswith("There is no verb zzzz; there are ")
    assert verb().status == 2
    assert verb("help").status == 0 and all(name in verb("help").out for name in VERBS)


def test_a_step_that_was_not_derived(verb: Verb, course: Path, work: Path) -> None:
    (course / "steps/02-two").rename(course / "steps/away")
    write_tree(work, {"app.py": "mine"})
    for name in ("goto", "diff", "step", "serve"):
        said = verb(name, "2")
        assert said.status == 1
        assert "02-two is missing. Run: make checkpoints" in said.err
    assert trees.files(work) == {"app.py": b"mine"}


def test_half_a_pipe_is_no_failure_of_ours(course: Path) -> None:
    """``make diff-3 | head -1``: the reader goes, and we go without a word."""
    (course / "steps/03-three/long.py").write_text("x = 1\n" * 100_000)
    script = f"{sys.executable} -P -m tutor diff 3 | head -1"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("Step 3:") and done.stderr == ""


# -- serve ---------------------------------------------------------------------------


@pytest.fixture
def served(course: Path) -> Path:
    """A step that is served as ``webapp.asgi:application``."""
    for name in TREES:
        write_tree(course / "steps" / name, {"webapp/asgi.py": APP})
    return course


def test_a_taken_port(verb: Verb, served: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = verb("serve", "2", "--port", str(port))
    assert said.status == 1 and len(said.err.splitlines()) == 2
    assert f"Port {port} is taken" in said.err and f"PORT={port + 1}" in said.err


def test_a_port_for_the_administrator(
    verb: Verb, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bind(self: socket.socket, address: object) -> None:
        raise PermissionError(
            errno.EACCES, "Permission denied"
        )  # the suite may be root

    monkeypatch.setattr(socket.socket, "bind", bind)
    said = verb("serve", "2", "--port", "80")
    assert said.status == 1
    assert said.err.splitlines() == [
        "You may not open port 80; below 1024 only an administrator may.",
        "Choose another port: PORT=8080",
    ]


@pytest.mark.parametrize("port", ["abc", "-1", "65536"])
def test_what_is_no_port(verb: Verb, served: Path, port: str) -> None:
    said = verb("serve", "2", "--port", port)
    assert said.status == 1
    assert said.err == f"PORT={port} is no port; it is a number up to 65535.\n"


def test_a_server_that_dies(verb: Verb, served: Path) -> None:
    (served / "steps/02-two/webapp/asgi.py").write_text("1 / 0\n")
    said = verb("serve", "2", "--port", "0")
    assert said.status == 1 and "ZeroDivisionError" in said.err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_served_step_ends_when_told(
    served: Path, tmp_path: Path, how: signal.Signals
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tutor", "serve", "2", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert child.stdout is not None
    try:
        first, second = child.stdout.readline(), child.stdout.readline()
        assert first.startswith("Step 2 is at http://127.0.0.1:")
        assert second == "At its end: broken on purpose: No ring. Ctrl-C ends it.\n"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = first.split()[4]
        with opener.open(url, timeout=10) as answer:
            assert answer.read() == b"door"
    finally:
        child.send_signal(how)
        status = child.wait(15)
        child.stdout.close()
    assert status == (130 if how == signal.SIGINT else 143)
    assert list(tmp_path.glob("tutor-*")) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_step_that_is_ended_leaves_nothing(how: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tutor", "step", "6"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert child.stdout is not None
    said = b""
    try:
        while b"." not in said.partition(b"\n")[2]:  # a cell has passed
            said += (more := os.read(child.stdout.fileno(), 1000))
            assert more, said.decode()
        below = psutil.Process(child.pid).children(recursive=True)
        assert below
        child.send_signal(how)
        said += child.communicate(timeout=30)[0]
    finally:
        child.kill()
        child.wait()
    assert child.returncode == (2 if how == signal.SIGINT else -how), said.decode()
    assert b"INTERNALERROR" not in said and b"Traceback" not in said, said.decode()
    assert psutil.wait_procs(below, timeout=10)[1] == []
