"""Whatever it is given, the diagnosis ends, says one thing, and leaves nothing."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tutor import children, doctor, trees
from tutor.doctor.diagnosis import FIELDS

pytestmark = pytest.mark.takes(60)

STEP = sorted((Path(__file__).parents[1] / "steps").glob("06-*"))[0]
SETTINGS, ASGI, CONSUMERS = (
    "webapp/settings.py",
    "webapp/asgi.py",
    "master_app/consumers.py",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the finished project of Part I."""
    trees.copy(STEP, tmp_path / "project")
    return tmp_path / "project"


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def state(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def told(project: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    """The exit status and the object that --json prints; within its time."""
    before, began = state(project), time.monotonic()
    status = doctor.main([str(project), "--json"])
    assert time.monotonic() - began < 30
    assert state(project) == before
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"step_reached", "ok", "findings"}
    assert all(set(one) == set(FIELDS) for one in answer["findings"])
    return status, answer


@pytest.mark.parametrize("what", ["missing", "file", "empty", "no project"])
def test_what_is_no_project_gets_one_line_and_status_2(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "here"
    if what == "file":
        path.write_text("nothing")
    elif what != "missing":
        path.mkdir()
    if what == "no project":
        (path / "app.py").write_text("print('hello')\n")
    assert doctor.main([str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "slug", "file"),
    [
        ("\nraise RuntimeError('no database today')\n", None, SETTINGS),
        ("\nimport sys\nsys.exit(3)\n", "settings-exit", SETTINGS),
        ("\nimport os\nos._exit(5)\n", "settings-exit", SETTINGS),
        ("\nDEBUG = (\n", "python-syntax-error", SETTINGS),
        ("\nimport does_not_exist_anywhere\n", "install-package-missing", SETTINGS),
        ("\nimport os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", None, SETTINGS),
        ("\nraise SystemExit\n", "settings-exit", SETTINGS),
        ("\nraise KeyboardInterrupt\n", None, SETTINGS),
    ],
)
def test_settings_that_raise_or_leave(
    text: str, slug: str | None, file: str | None, project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    add(project / SETTINGS, text)
    status, answer = told(project, capsys)
    assert status == 1
    first = answer["findings"][0]
    assert (first["slug"], first["file"]) == (slug, file)
    assert slug or first["cause"] == ""


@pytest.mark.parametrize(
    "text", ["while True: pass\n", "import time\ntime.sleep(600)\n"]
)
def test_settings_that_hang(
    text: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(project / SETTINGS, "\n" + text)
    status, answer = told(project, capsys)
    assert status == 1
    first = answer["findings"][0]
    assert (first["slug"], first["file"]) == ("project-hangs-while-loading", SETTINGS)


@pytest.mark.parametrize(
    "data", [b"\x00\xff\xfe" * 999, b"x = '\xff\xfe'\n", os.urandom(5000)]
)
def test_a_binary_file_for_settings(
    data: bytes, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / SETTINGS).write_bytes(data)
    status, answer = told(project, capsys)
    assert status == 1
    assert answer["findings"][0]["slug"] in (
        "python-not-a-text-file",
        "python-syntax-error",
    )


def test_a_project_that_prints_megabytes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(project / SETTINGS, "\nprint('x' * 20_000_000)\nprint('y\\n' * 2_000_000)\n")
    status, answer = told(project, capsys)
    assert (status, answer["findings"]) == (0, [])


FORKS: dict[str, str] = {
    "child": "import os, time\nif os.fork() == 0:\n    time.sleep(600)\n",
    "session": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\n"
    ),
    "daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.chdir('/')\n"
        "    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)\n"
    ),
    "command": (
        "import subprocess\n"
        "subprocess.Popen(['sleep', '600'], start_new_session=True, cwd='/')\n"
    ),
}


@pytest.mark.parametrize("name", ["DJANGO_KEY", "DATABASE_URL"])
def test_what_the_caller_has_set_is_not_missing(
    name: str,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(project / SETTINGS, f"\nimport os\n\nos.environ[{name!r}]\n")
    _, answer = told(project, capsys)
    assert answer["findings"][0]["slug"] == "settings-variable-missing"
    monkeypatch.setenv(name, "set")
    assert told(project, capsys) == (
        0,
        answer | {"findings": [], "ok": True, "step_reached": 6},
    )


SECONDS = f"600.{os.getpid()}"  # by which this process's sleepers are told from others


@pytest.mark.parametrize("how", FORKS)
@pytest.mark.parametrize("file", [SETTINGS, CONSUMERS])
def test_what_a_project_forks_is_ended(
    how: str, file: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    children.run(["python", "-c", "pass"], project)  # what stays warm is there now
    before = {p.pid for p in psutil.process_iter()}
    add(project / file, "\n" + FORKS[how].replace("600", SECONDS))
    told(project, capsys)
    left = []
    for process in psutil.process_iter():
        if process.pid in before:
            continue
        try:
            if process.status() != psutil.STATUS_ZOMBIE and _ours(process):
                left.append(process)
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(left, 3)  # a guard takes two seconds to go
    assert alive == []


def _ours(process: psutil.Process) -> bool:
    """Whether a process is of this test, and of no other that runs beside it."""
    return process.cmdline() == ["sleep", SECONDS] or os.getpid() in {
        p.pid for p in process.parents()
    }


def test_one_person_reads_four_lines(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project / CONSUMERS).read_text(encoding="utf-8")
    (project / CONSUMERS).write_text(text.replace("str(number)", "number + 1"))
    assert doctor.main([str(project)]) == 1
    out = capsys.readouterr().out
    for label in ("tried", "expected", "got", "likely cause"):
        assert f"\n{label} " in out
    assert "master_app/consumers.py:18" in out
    assert "step 6" in out


def test_a_project_in_a_folder_below_is_found(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    project.rename(tmp_path / "outer" / "src")
    add(tmp_path / "outer/src" / SETTINGS, "\nALLOWED_HOSTS = ['http://x']\n")
    found = doctor.diagnose(tmp_path / "outer")
    assert found.findings[0].file == f"src/{SETTINGS}"


READ = """setup.cfg tox.ini pytest.ini pyproject.toml gunicorn.conf.py nginx.conf
Caddyfile requirements.txt Dockerfile .env compose.yml web.service Makefile"""
MAKE: dict[str, Callable[[Path], object]] = {
    "a fifo": lambda p: os.mkfifo(p / "pipe.py"),
    "a fifo among scripts": lambda p: (
        (p / "package.json").write_text("{}"),
        os.mkfifo(p / "pipe.js"),
    ),
    "a loop of links": lambda p: (p / "loop").symlink_to(p),
    "a link to nowhere": lambda p: (p / "gone.py").symlink_to(p / "nothing.py"),
    "deep folders": lambda p: (p / "/".join("d" * 40)).mkdir(parents=True),
    "a folder named like a file": lambda p: (p / "odd.py").mkdir(),
}


@pytest.mark.parametrize("what", MAKE)
def test_odd_files_beside_a_right_project(what: str, project: Path) -> None:
    MAKE[what](project)
    assert doctor.diagnose(project).findings == []


def test_no_pipe_is_read(project: Path) -> None:
    pipes = [project / name for name in READ.split()]
    read, done = set[str](), threading.Event()

    def watch() -> None:
        """End what reads a pipe: it would wait for ever."""
        while not done.wait(0.1):
            for pipe in pipes:
                with suppress(OSError):  # nobody reads it
                    os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
                    read.add(pipe.name)

    for pipe in pipes:
        os.mkfifo(pipe)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert doctor.diagnose(project).findings == []
    finally:
        done.set()
        watcher.join()
    assert read == set()


def test_a_database_elsewhere_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere.sqlite3"
    trees.copy(next(STEP.parent.glob("13-*")), project)
    one = f"DATABASES['default']['NAME'] = {str(elsewhere)!r}\n"
    add(project / SETTINGS, "\n" + one)
    asgi = project / ASGI  # it starts as runserver does only, and is asked there
    text = asgi.read_text("utf-8")
    early = "from django.contrib.auth.models import AnonymousUser  # noqa: F401\n"
    asgi.write_text(text.replace("from django.core", early + "from django.core"))
    _, answer = told(project, capsys)
    assert answer["findings"][0]["slug"].startswith("asgi-consumers-imported-before")
    assert not elsewhere.exists()


def test_no_worker_gets_a_job(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = "raise RuntimeError(__import__('os').environ['CELERY_BROKER_URL'])"
    path = project / CONSUMERS
    text = path.read_text("utf-8")
    head = "    async def websocket_connect(self, event):\n"
    assert head in text
    path.write_text(text.replace(head, f"{head}        {broker}\n"))
    _, answer = told(project, capsys)
    assert answer["findings"][0]["got"] == "RuntimeError: memory://"
