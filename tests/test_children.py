"""Children of ours: what they are given, what they print, and that they end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tutor import children, places
from tutor.children import Child
from tutor.report import Refusal

SECONDS = 15  # in which a process must be gone on a busy machine

STUBBORN = "trap '' TERM INT HUP; echo $$; while :; do sleep 3600; done"


def gone(*pids: int) -> bool:
    """Whether these processes end now; waits for it, and cleans up if they don't.

    A process that has ended counts, also where nobody has asked for its status yet:
    some containers' first process takes seconds to do that.
    """
    left = [pid for pid in pids if not _ends(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return not left


def _ends(pid: int) -> bool:
    if not hasattr(os, "pidfd_open"):  # macOS
        return (
            not psutil.pid_exists(pid)
            or not psutil.wait_procs([psutil.Process(pid)], timeout=SECONDS)[1]
        )
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], SECONDS)[0])
    finally:
        os.close(handle)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


# -- a command to its end ---------------------------------------------------------


def test_output_is_one_stream_in_its_order(tmp_path: Path) -> None:
    script = "echo one; echo two >&2; echo three; exit 3"
    done = children.run(["sh", "-c", script], tmp_path)
    assert (done.code, done.out, done.timed_out) == (3, "one\ntwo\nthree\n", False)


def test_it_runs_where_it_should_and_reads_nothing(tmp_path: Path) -> None:
    done = children.run(["sh", "-c", "pwd -P; cat; echo end"], tmp_path)
    assert done.out == f"{tmp_path.resolve()}\nend\n"


def test_a_child_that_kills_itself_has_failed(tmp_path: Path) -> None:
    done = children.run(["sh", "-c", "echo x; kill -9 $$"], tmp_path)
    assert (done.code, done.out) == (128 + signal.SIGKILL, "x\n")


def test_there_is_no_such_command(tmp_path: Path) -> None:
    done = children.run(["no-such-command"], tmp_path)
    assert done.code == 127
    assert "no-such-command: not found" in done.out


def test_what_is_no_text_is_shown_all_the_same(tmp_path: Path) -> None:
    assert children.run(["printf", r"a\377b"], tmp_path).out == "a\ufffdb"


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    for start in (children.run, Child):
        with pytest.raises(Refusal, match=r"folder .*gone is gone, so echo 'a b'"):
            start(["echo", "a b"], tmp_path / "gone")


def test_the_limit_ends_the_whole_group(tmp_path: Path) -> None:
    script = "sh -c 'echo $$; exec sleep 3600' & echo $$; sleep 3600"
    done = children.run(["sh", "-c", script], tmp_path, timeout=0.7)
    assert done.timed_out and done.code != 0
    pids = [int(line) for line in done.out.split()]
    assert len(pids) == 2
    assert gone(*pids)


def test_the_limit_ends_who_ignores_every_request(tmp_path: Path) -> None:
    done = children.run(["sh", "-c", STUBBORN], tmp_path, timeout=0.5)
    assert done.timed_out
    assert gone(int(done.out))


@pytest.mark.parametrize("output", [">/dev/null 2>&1", ""], ids=["silent", "held open"])
def test_a_grandchild_left_behind_is_ended(tmp_path: Path, output: str) -> None:
    done = children.run(["sh", "-c", f"sleep 3600 {output} & echo $!"], tmp_path)
    assert (done.code, done.timed_out) == (0, False)
    assert gone(int(done.out))


@pytest.mark.parametrize("end", ["x", "\n"], ids=["one line", "many lines"])
def test_a_flood_is_bounded(tmp_path: Path, end: str) -> None:
    flood = python(f"print(80_000 * ('x' * 99 + {end!r}))")
    done = children.run(flood, tmp_path)
    assert (done.code, len(done.out)) == (0, children.LIMIT)
    child = Child(flood, tmp_path)
    try:
        assert child.wait(SECONDS) == 0
        assert len(child.text) == children.LIMIT
    finally:
        child.stop()


# -- what it is given -------------------------------------------------------------

UNWANTED = {
    "PYTHONPATH": "/elsewhere",
    "PYTHONSTARTUP": "/elsewhere.py",
    "PYTHONWARNINGS": "error",
    "DJANGO_SETTINGS_MODULE": "other.settings",
    "DJANGO_SECRET_KEY": "other",
    "PYTEST_CURRENT_TEST": "x",
    "FORCE_COLOR": "1",
    "COLUMNS": "33",
    "LC_ALL": "tr_TR.UTF-8",
    "http_proxy": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "all_proxy": "socks5://127.0.0.1:1",
    "DAPHNE_RUNNING": "1",
}


def test_the_environment_is_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in UNWANTED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEPT", "kept")
    done = children.run(["env"], tmp_path, extra={"DJANGO_SECRET_KEY": "ours"})
    found = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    assert not [name for name, value in UNWANTED.items() if found.get(name) == value]
    assert found["KEPT"] == "kept"
    assert found["DJANGO_SECRET_KEY"] == "ours"
    assert (found["COLUMNS"], found["NO_COLOR"], found["TERM"]) == ("80", "1", "dumb")


def test_python_is_the_tutors_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes first on the path of the person, or is activated there."""
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho other\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = children.run(["python", "-c", "import sys; print(sys.prefix)"], tmp_path)
    assert done.out == f"{sys.prefix}\n"


def test_django_finds_no_formatter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``startproject`` runs the first black on the path over what it writes."""
    black = tmp_path / "black"
    black.write_text(f"#!/bin/sh\ntouch {tmp_path}/formatted\n")
    black.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "here").mkdir()
    command = ["django-admin", "startproject", "webapp", "."]
    done = children.run(command, tmp_path / "here")
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "here/webapp/settings.py").exists()
    assert not (tmp_path / "formatted").exists()


def test_no_bytecode_is_written(tmp_path: Path) -> None:
    """Two edits within a second that leave the size would else run the older one."""
    for value in (1, 2, 3):
        (tmp_path / "one.py").write_text(f"X = {value}\n")
        done = children.run(["python", "-c", "import one; print(one.X)"], tmp_path)
        assert done.out == f"{value}\n"
    assert not (tmp_path / "__pycache__").exists()


# -- a child that stays -----------------------------------------------------------


def test_output_is_read_as_it_comes(tmp_path: Path) -> None:
    child = Child(["sh", "-c", "echo one; echo two >&2; exec sleep 3600"], tmp_path)
    try:
        assert child.wait_for(lambda out: "two" in out, SECONDS)
        assert child.text == "one\ntwo\n"
        assert child.poll() is None and not child.ended
        assert not child.wait_for(lambda out: "three" in out, 0.05)
    finally:
        child.stop()
    assert child.ended and child.poll() is not None
    assert gone(child.pid)


def test_waiting_for_words_ends_with_the_child(tmp_path: Path) -> None:
    child = Child(["sh", "-c", "echo last; exit 4"], tmp_path)
    assert not child.wait_for(lambda out: "never" in out, SECONDS)
    assert child.wait(SECONDS) == 4
    assert child.text == "last\n"
    child.stop()


def test_stop_may_be_said_twice(tmp_path: Path) -> None:
    child = Child(["sleep", "3600"], tmp_path)
    child.stop()
    child.stop()
    assert child.ended


def test_it_is_asked_before_it_is_killed(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done"
    child = Child(["sh", "-c", script], tmp_path)
    assert child.wait_for(lambda out: "up" in out, SECONDS)
    child.stop(grace=SECONDS)  # of which it takes a moment, and on a busy machine more
    assert child.text.endswith("bye\n")


def test_who_ignores_the_request_is_killed(tmp_path: Path) -> None:
    child = Child(["sh", "-c", STUBBORN], tmp_path)
    assert child.wait_for(lambda out: "\n" in out, SECONDS)
    child.stop(grace=0.1)
    assert gone(int(child.text), child.pid)


def test_ctrl_c_for_us_is_none_for_it(tmp_path: Path) -> None:
    """Jupyter's stop button signals the kernel's whole process group."""
    child = Child(["sh", "-c", "echo up; exec sleep 3600"], tmp_path)
    try:
        assert child.wait_for(lambda out: "up" in out, SECONDS)
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()
        assert os.getsid(child.pid) != os.getsid(0)
    finally:
        child.stop()


# -- when we are gone -------------------------------------------------------------

PARENT = """
import os, signal, sys
from pathlib import Path
from tutor import places
from tutor.children import Child
here = Path(sys.argv[1])
place = places.temporary()
(place.folder / "file").write_text("x")
child = Child(["sh", "-c", sys.argv[2]], here)
child.wait_for(lambda out: out.count("\\n") >= 2)
print(place.folder, place.keeper.pid, child.pid, *child.text.split(), flush=True)
if sys.argv[3] == "exits":
    sys.exit()
os.kill(os.getpid(), int(sys.argv[3]))
"""
PLAIN = "sh -c 'echo $$; exec sleep 3600' & echo $$; wait"
DEAF = f"trap '' TERM; sh -c \"{STUBBORN.replace('$', chr(92) + '$')}\" & echo $$; wait"


@pytest.mark.parametrize("script", [PLAIN, DEAF], ids=["plain", "ignores TERM"])
@pytest.mark.parametrize(
    "how", [str(int(signal.SIGKILL)), str(int(signal.SIGTERM)), "exits"]
)
def test_nothing_outlives_its_parent(tmp_path: Path, how: str, script: str) -> None:
    """Neither the child, nor its children, nor the temporary folder."""
    parent = subprocess.run(
        [sys.executable, "-c", PARENT, str(tmp_path), script, how],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    folder, *pids = parent.stdout.split()
    assert len(pids) == 4, parent.stderr
    assert gone(*map(int, pids))
    assert not Path(folder).exists()
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_place_goes_when_it_should(tmp_path: Path) -> None:
    place = places.temporary()
    assert place.temporary and place.folder.is_dir() and place.keeper is not None
    (place.folder / "a").mkdir()
    (place.folder / "a/b").write_text("x")
    keeper = place.keeper.pid
    place.remove()
    assert not place.folder.exists() and gone(keeper)
    place.remove()


def test_the_learners_place_stays(tmp_path: Path) -> None:
    place = places.Place(tmp_path)
    place.remove()
    assert not place.temporary and tmp_path.is_dir()
