"""Warm and cold: the same command either way, which differs in nothing but the time."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tutor import children
from tutor.children import Child, Result
from tutor.doctor import gathering
from tutor.servers import Server
from tutor.warm import Nursery, WarmProcess, ending, understood

from .test_children import SECONDS, gone

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="children start warm on Linux only"
    ),
    pytest.mark.takes(50),
]

HERE = Path(__file__).parents[1]
Run = Callable[..., Result]


@pytest.fixture
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command warm; fails where it started cold after all."""
    monkeypatch.delenv("TUTOR_COLD", raising=False)
    started: list[Any] = []
    start = Nursery.start

    def noted(*args: Any) -> WarmProcess:
        try:
            process = start(*args)
        except (FileNotFoundError, IsADirectoryError):  # Python's to say, cold
            started.append(args[1])
            raise
        started.append(args[1])
        return process

    def run(argv: Sequence[str], cwd: Path = tmp_path, **more: Any) -> Result:
        with monkeypatch.context() as context:
            context.setattr(Nursery, "start", noted)
            done = children.run(argv, cwd, **more)
        assert started and started[-1] == argv[-len(started[-1]) :]
        return done

    return run


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command cold."""

    def run(argv: Sequence[str], cwd: Path = tmp_path, **more: Any) -> Result:
        with monkeypatch.context() as context:
            context.setenv("TUTOR_COLD", "1")
            return children.run(argv, cwd, **more)

    return run


def starts_warm(argv: Sequence[str], cwd: Path, **more: Any) -> bool:
    """Whether a command is forked, or would be started anew."""
    child = Child(argv, cwd, **more)
    try:
        child.wait(SECONDS)
        return isinstance(child._process, WarmProcess)
    finally:
        child.stop()


# -- what a script sees, and what is seen of it -----------------------------------

ITSELF = """
import gc, json, locale, os, signal, sys, threading
me = sys.modules["__main__"]
print({k: type(v).__name__ for k, v in sorted(vars(me).items()) if k[:2] == "__"})
print(__name__, __file__, __doc__, __package__, __spec__, __builtins__)
print(sys.argv, sys.orig_argv, sys.executable, sys.prefix, sys.path)
print(sys.warnoptions, sys._xoptions, sys.dont_write_bytecode, sys.pycache_prefix)
print(sys.flags)
for name in ("stdin", "stdout", "stderr"):
    s = getattr(sys, name)
    print(s, s is getattr(sys, f"__{name}__"), s.encoding, s.errors, s.fileno())
    print(s.line_buffering, s.write_through, s.seekable(), s.buffer, s.isatty())
print(repr(sys.stdin.read()), os.path.realpath("/proc/self/fd/0"))
for s in signal.Signals:
    print(s.name, signal.getsignal(s))
print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getitimer(0))
print(signal.set_wakeup_fd(-1), sys.excepthook is sys.__excepthook__)
kinds = [f"{fd} {os.readlink(f'/proc/self/fd/{fd}').split(':')[0]}"
         for fd in sorted(os.listdir("/proc/self/fd"), key=int)
         if os.path.exists(f"/proc/self/fd/{fd}")]
print(kinds)
print(os.getcwd(), os.umask(0), os.getpriority(os.PRIO_PROCESS, 0))
print(json.dumps({k: v for k, v in os.environ.items() if k != "TUTOR_COLD"},
                 sort_keys=True))
print(open("/proc/self/comm").read(), locale.setlocale(locale.LC_ALL))
print([thread.name for thread in threading.enumerate()], gc.isenabled())
print(os.getpgrp() == os.getppid() == os.getsid(0), sys.getswitchinterval())
import __main__
print(__main__ is me, __main__.ITS)
""".replace("import gc", "ITS = 1\nimport gc")

SCRIPTS = {
    "itself": ITSELF,
    "order": """
        import os, sys
        print("one"); print("two", file=sys.stderr); os.write(1, b"three\\n")
        print("four", end=""); print("five", file=sys.stderr); print(b"\\xff", "six")
        sys.stdout.buffer.write(b"\\xff\\n"); print("\\udcff\\u2192")
        """,
    "exit": "import sys; print('x'); sys.exit(3)",
    "exit, with words": "import sys; sys.exit('not today')",
    "exit, with nothing": "import sys; sys.exit()",
    "exit, too high": "import sys; sys.exit(259)",
    "exit, negative": "import sys; sys.exit(-1)",
    "exit, with an object": "raise SystemExit([1, 2])",
    "exit, at once": "import os; print('x'); os._exit(5)",
    "exit, in a thread": """
        import sys, threading
        thread = threading.Thread(target=sys.exit, args=(3,)); thread.start()
        """,
    "traceback": """
        def inner():
            return {}["key"]
        def outer():
            try:
                inner()
            except KeyError as error:
                raise ValueError("two\\nlines") from error
        outer()
        """,
    "traceback of a group": """
        raise ExceptionGroup("some", [ValueError(1), TypeError(2)])
        """,
    "traceback in a library": "import json; json.loads('{')",
    "a hook of its own": """
        import sys
        sys.excepthook = lambda kind, value, trace: print(
            kind, value, trace.tb_lineno, trace.tb_next, trace.tb_frame.f_code.co_name)
        raise ValueError("x")
        """,
    "a hook that fails": """
        import sys
        def hook(*args):
            raise ValueError("in the hook")
        sys.excepthook = hook
        """,
    "syntax error": "print('never')\nif True print(1)\n",
    "indentation": "if True:\nprint(1)\n",
    "no such module": "from .. import x",
    "not there": "import no_such_module",
    "interrupted": """
        import atexit; atexit.register(print, "at exit")
        raise KeyboardInterrupt
        """,
    "SIGINT": "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('on')",
    "SIGINT, asked for": """
        import os, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.kill(os.getpid(), signal.SIGINT)
        """,
    "SIGTERM": "import os; print('x'); os.kill(os.getpid(), 15)",
    "SIGTERM, caught": """
        import os, signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        os.kill(os.getpid(), 15)
        """,
    "SIGKILL": "import os; os.kill(os.getpid(), 9)",
    "SIGSEGV": """
        import os, resource, signal
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
        """,
    "at exit": """
        import atexit, threading
        atexit.register(print, "first in, last out"); atexit.register(print, "at exit")
        go = threading.Event()
        def late():
            go.wait(); print("thread")
        threading.Thread(target=late).start()
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        print("end"); go.set()
        """,
    "its ends": """
        class Loud:
            def __del__(self):
                print("deleted")
        loud = Loud()
        """,
    "thread that fails": """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0, name="mine")
        thread.start(); thread.join(); print("on")
        """,
    "fork": """
        import os
        pid = os.fork()
        if pid == 0:
            print("child"); os._exit(4)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """,
    "children": """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv)", "x"],
                             capture_output=True, text=True).stdout)
        subprocess.run("echo shell; exit 3", shell=True)
        """,
    "multiprocessing": """
        import multiprocessing, os
        def double(x):
            return 2 * x, __name__
        if __name__ == "__main__":
            os.chdir("/")
            for how in ("fork", "spawn"):
                with multiprocessing.get_context(how).Pool(1) as pool:
                    print(pool.map(double, [1, 2]))
        """,
    "pickle": """
        import dataclasses, inspect, pickle, typing
        @dataclasses.dataclass
        class Point:
            x: int
        print(pickle.loads(pickle.dumps(Point(1))), typing.get_type_hints(Point))
        print(Point.__annotations__, Point.__module__, inspect.getsource(Point))
        """,
    "annotations": "def f(x: no_such_name): ...\n",
    "warnings": """
        import warnings
        warnings.warn("mine"); warnings.warn("old", DeprecationWarning)
        """,
    "logging": """
        import logging
        logging.warning("one"); logging.getLogger("x").error("two %s", 3)
        """,
    "asyncio": """
        import asyncio
        async def main():
            await asyncio.to_thread(print, "thread")
            process = await asyncio.create_subprocess_exec("echo", "child")
            print(await process.wait())
        asyncio.run(main())
        """,
    "never awaited": "async def f(): ...\nf()\n",
    "never awaited, and kept": "async def f(): ...\nkept = f()\n",
    "a task at the end": """
        import asyncio
        loop = asyncio.new_event_loop()
        task = loop.create_task(asyncio.sleep(9), name="mine")
        loop.run_until_complete(asyncio.sleep(0))
    """,
    "what is done at the end": """
        import asyncio, io, tempfile
        loop = asyncio.new_event_loop()
        async def ended(): ...
        kept = ended(), loop.create_task(ended()), loop.create_future()
        loop.run_until_complete(asyncio.gather(*kept[:2])); kept[2].cancel()
        read, memory = open(__file__), io.StringIO("x")
        with tempfile.TemporaryFile("w") as gone:
            gone.write("x")
        print("end")
    """,
    "a future that nobody asked": """
        import asyncio
        loop = asyncio.new_event_loop()
        future = loop.create_future()
        future.set_exception(ValueError("mine"))
    """,
    "a generator's end": """
        def numbers():
            try:
                yield 1
            finally:
                print("put away", flush=True)
        class Kept: ...
        kept = Kept(); kept.numbers = numbers(); kept.itself = kept
        next(kept.numbers)
    """,
    "a file that is not closed": """
        import os, sys
        file = open("out.txt", "w"); file.write("kept")
        if os.fork():
            os.wait()
            print(repr(open("out.txt").read()))
            os._exit(0)
    """,
    "a file that is not closed, and a warning": """
        import warnings
        warnings.simplefilter("default")
        class Kept: ...
        kept = Kept(); kept.file = open(__file__); kept.itself = kept
    """,
    "a file in two halves": """
        import io
        file = open("out.txt", "wb"); text = io.TextIOWrapper(file); text.write("x")
        text.detach()
    """,
    "a circle at the end": """
        class End:
            def __del__(self):
                print("gone", self.name, type(print).__name__)
        one, other = End(), End()
        one.other, other.other, one.name, other.name = other, one, "a", "a"
    """,
    "a module's end": """
        import sys, types
        class End:
            def __del__(self):
                print("gone", flush=True)
        module = types.ModuleType("mine"); module.end = End(); module.itself = module
        sys.modules["mine"] = module
    """,
    "output that nobody takes": """
        import os, sys
        sys.stdout = open(1, "w", buffering=9999); print("x"); os.close(1)
    """,
    "another encoding": "# coding: latin-1\nprint(ascii('\u00e9'))\n",
    "nothing": "",
    "flood": "for i in range(20_000): print(i, 'x' * 99)\n",
    "what it leaves": """
        import subprocess
        subprocess.Popen(["sleep", "3600"]); print("left")
        """,
}


def script(folder: Path, source: str, name: str = "script.py") -> str:
    """Write a script, its common indentation taken off."""
    lines = source.split("\n")
    indent = " " * 8 if source.startswith("\n        ") else ""
    text = "\n".join(line.removeprefix(indent) for line in lines)
    encoding = "latin-1" if "latin-1" in text else "utf-8"
    (folder / name).write_text(text, encoding=encoding)
    return name


ENDED = """
import asyncio, io, runpy, socket
async def asked(): ...
loop = asyncio.new_event_loop()
coroutine = asked()
task = loop.create_task(coroutine)
loop.run_until_complete(task)
left = [coroutine, task, io.BytesIO(b"body"), socket.socket()]
print(runpy.run_path(PATH)["has_last_words"]())
"""


def test_what_leaves_only_what_has_ended_ends_at_once(
    warm: Run, tmp_path: Path
) -> None:
    """Such as a server that has served: its memory is not touched once more."""
    path = script(tmp_path, ENDED.replace("PATH", repr(ending.__file__)))
    assert warm(["python", path]).out == "False\n"
    late = ENDED.replace("loop.run_until_complete(task)\n", "")
    path = script(tmp_path, late.replace("PATH", repr(ending.__file__)))
    assert warm(["python", path]).out.startswith("True\n")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script(name: str, warm: Run, cold: Run, tmp_path: Path) -> None:
    path = script(tmp_path, SCRIPTS[name])
    (tmp_path / "other.py").write_text("")
    argv = ["python", path, "--word", "two words", "\u2192", ""]
    same(warm(argv), cold(argv))


@pytest.mark.parametrize(
    "argv",
    [
        ["python", "script.py"],
        ["python", "./script.py"],
        ["python", "folder/../script.py", "-P"],
        ["python", "folder/link.py"],
        ["python", "{here}/script.py"],
        [sys.executable, "script.py"],
        ["python", "gone.py"],
        ["python", "folder.py"],
        ["python", "secret.py"],
        ["python", "-c", "{source}", "-c", "x"],
        ["python", "-c", "1 / 0"],
        ["python", "-c", "if"],
        ["python", "-c"],
        ["python", "-m", "json.tool", "gone.json"],
        ["python", "-m", "script", "x"],
        ["python", "-u", "-W", "error", "script.py"],
        ["python"],
        ["python", "--version"],
        ["daphne", "--help"],
        ["daphne"],
        ["daphne", "script:nothing"],
        ["django-admin", "--version"],
        ["django-admin", "startproject"],
        ["django-admin", "no-such-command"],
    ],
    ids=" ".join,
)
def test_a_command_line(argv: list[str], warm: Run, cold: Run, tmp_path: Path) -> None:
    script(tmp_path, ITSELF)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "folder/link.py").symlink_to("../script.py")
    (tmp_path / "secret.py").write_text("print(1)\n")
    (tmp_path / "secret.py").chmod(0)
    source = ITSELF.replace("__file__", "'none'")
    argv = [word.format(here=tmp_path, source=source) for word in argv]
    run = warm if understood(argv) else children.run
    same(run(argv, tmp_path), cold(argv))


def same(warm: Result, cold: Result) -> None:
    assert "\n".join(difference(plain(cold.out), plain(warm.out))) == ""
    assert (warm.code, warm.timed_out) == (cold.code, cold.timed_out)


def difference(cold: list[str], warm: list[str]) -> Iterator[str]:
    return difflib.unified_diff(cold, warm, "cold", "warm", lineterm="", n=0)


def plain(text: str) -> list[str]:
    """Its lines, without what differs in any two runs."""
    for pattern in (
        r"0x[0-9a-f]+",
        r"fileno=\d+",
        r"^\d{4}-\d\d-\d\d [\d:,]+",
        r"^\w+ \d+, \d{4} - [\d:]+$",
    ):
        text = re.sub(pattern, "[...]", text, flags=re.M)
    return text.splitlines()


def test_without_the_unsafe_path(warm: Run, cold: Run, tmp_path: Path) -> None:
    """-P is obeyed; that it was said is the one thing that a warm child forgets."""
    argv = ["python", "-P", script(tmp_path, ITSELF)]
    told = cold(argv)
    same(warm(argv), replace(told, out=told.out.replace("path=True", "path=False")))


@pytest.mark.parametrize(
    "name", ["with spaces", "\u017elu\u0165ou\u010dk\u00fd \u2192"]
)
def test_a_folder_of_any_name(name: str, warm: Run, cold: Run, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    argv = ["python", script(folder, ITSELF + "1 / 0\n"), name]
    same(warm(argv, folder), cold(argv, folder))


def test_a_folder_reached_by_a_link(warm: Run, cold: Run, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    argv = ["python", script(tmp_path / "real", ITSELF)]
    same(warm(argv, tmp_path / "link"), cold(argv, tmp_path / "link"))


def test_inherited_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    here, there = os.pipe()
    fds = [
        fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, low)
        for fd, low in ((there, 11), (there, 300))
    ]
    source = ITSELF + f"\nfor fd in {fds}: os.write(fd, b'x')\n"
    argv = ["python", script(tmp_path, source)]
    texts = []
    for value in ("", "1"):
        monkeypatch.setenv("TUTOR_COLD", value)
        child = Child(argv, tmp_path, fds)
        assert child.wait(SECONDS) == 0
        assert isinstance(child._process, WarmProcess) is not bool(value)
        child.stop()
        texts.append(child.text)
        assert os.read(here, 9) == b"xx"
    assert plain(texts[0]) == plain(texts[1])
    for fd in (here, there, *fds):
        os.close(fd)


# -- what is decided anew in each child -------------------------------------------


def test_chance_is_not_inherited(warm: Run, tmp_path: Path) -> None:
    chance = (
        "import random, secrets, tempfile, uuid\n"
        "from django.utils.crypto import get_random_string\n"
        "print(random.random(), secrets.token_hex(), uuid.uuid4(),"
        " next(tempfile._get_candidate_names()), get_random_string(20))\n"
    )
    argv = ["python", script(tmp_path, chance)]
    one, other = warm(argv).out.split(), warm(argv).out.split()
    assert len(one) == len(other) == 5
    assert not set(one) & set(other)


def test_nothing_of_a_project_is_there(warm: Run, tmp_path: Path) -> None:
    """No model, check, settings, reactor, event loop or thread, and no name of ours."""
    look = """
import asyncio, sys, threading
assert "django.contrib.admin.options" in sys.modules  # so it is a warm one
ours = ("tutor", "webapp", "master_app", "nursery")
print([m for m in sys.modules if m.split(".")[0] in ours])
print([m for m in sys.modules if m.startswith("django.contrib") and "models" in m])
print("twisted.internet.reactor" in sys.modules, "daphne.server" in sys.modules)
from django.apps import apps
from django.conf import settings
from django.core.checks.registry import registry
from django.db.models import Model
checks = {check.__module__ for check in registry.registered_checks}
print([name for name in checks if not name.startswith("django.core.")])
print(apps.ready, dict(apps.all_models), settings.configured, Model.__subclasses__())
print(asyncio.get_event_loop_policy()._local.__dict__, threading.active_count())
"""
    done = warm(["python", script(tmp_path, look)])
    assert done.out == "[]\n[]\nFalse False\n[]\nFalse {} False []\n{} 1\n"


def test_a_cells_code_starts_warm(tmp_path: Path) -> None:
    """Although the folder of the script that runs it has names of libraries in it."""
    (tmp_path / "manage.py").write_text("")
    (tmp_path / "webapp").mkdir()
    (tmp_path / "webapp/settings.py").write_text("")
    code = "import sys; print('daphne.ws_protocol' in sys.modules)"
    assert children.run_inside(code, tmp_path).out == "True\n"


def test_env_before_a_command(warm: Run, cold: Run, tmp_path: Path) -> None:
    look = "import os; print(*(os.environ.get(n) for n in ('ONE', 'TWO', 'HOME')))"
    python = ["python", script(tmp_path, look)]
    argv = ["env", "-u", "HOME", "ONE=1=1", "TWO=", *python]
    extra = {"ONE": "not this"}
    assert cold(argv, extra=extra).out == "1=1  None\n"
    assert warm(argv, extra=extra).out == "1=1  None\n"


@pytest.mark.parametrize(
    "argv", [["env"], ["env", "-u"], ["env", "A=1"], ["env", "-i"]]
)
def test_env_without_a_command(argv: list[str], tmp_path: Path) -> None:
    done = children.run(argv, tmp_path, extra={"OURS": "1"})
    wanted = subprocess.run(
        argv, env=children.env(OURS="1"), text=True, capture_output=True, check=False
    )
    said = [line for line in done.out.splitlines() if "=" not in line or "=1" in line]
    assert done.code == wanted.returncode
    for line in said:
        assert line in wanted.stdout + wanted.stderr or line.startswith("SHLVL=")
    assert said.count("A=1") == ("A=1" in argv)


def test_a_changed_module_is_read_anew(warm: Run, tmp_path: Path) -> None:
    argv = ["python", script(tmp_path, "import one; print(one.X)\n")]
    for value in "123":
        (tmp_path / "one.py").write_text(f"X = {value}\n")
        assert warm(argv).out == f"{value}\n"


@pytest.mark.parametrize(
    "argv, extra",
    [
        (["python", "-c", "pass"], {"PYTHONWARNINGS": "error"}),
        (["python", "-c", "pass"], {"TZ": "Asia/Tokyo"}),
        (["python", "-c", "pass"], {f"BIG_{i}": "x" * 9000 for i in range(60)}),
        (["python", "-c", "pass", *["x" * 9000] * 60], {}),
    ],
    ids=["other settings", "another clock", "a huge environment", "many words"],
)
def test_what_takes_an_interpreter_of_its_own(
    argv: list[str], extra: dict[str, str], tmp_path: Path
) -> None:
    """It starts cold, and the next child warm again."""
    assert not starts_warm(argv, tmp_path, extra=extra)
    assert starts_warm(["python", "-c", "pass"], tmp_path)


# -- Django -----------------------------------------------------------------------

ROUTES = "from master_app.routing import websocket_urlpatterns  # noqa: E402\n"
SETUP = "django_asgi_app = get_asgi_application()\n"
USER = "from django.contrib.auth.models import User\n"
CONSUMERS, ROUTING = "master_app/consumers.py", "master_app/routing.py"
ASGI, SETTINGS = "webapp/asgi.py", "webapp/settings.py"

# name: (step, file, what is there, what stands there instead)
BROKEN: dict[str, tuple[int, str, str, str]] = {
    "right": (6, ASGI, "", ""),
    "routes before Django": (6, ASGI, "import os\n", f"import os\n{ROUTES}"),
    "no such module": (5, ROUTING, "master_app.consumers", "master_app.consumer"),
    "a module of Channels 2": (5, ROUTING, "django.urls import path",
                               "django.conf.urls import url"),
    "no as_asgi": (6, ROUTING, ".as_asgi()", ""),
    "no such settings": (5, SETTINGS, "'webapp.asgi.app", "'webapp.routing.app"),
    "no such app": (6, SETTINGS, "'master_app'", "'master'"),
    "a name in the settings": (6, SETTINGS, "DEBUG = True", "DEBUG = Yes"),
    "a circle": (6, CONSUMERS, "from random", "import master_app.routing\nfrom random"),
    "a syntax error": (6, CONSUMERS, "async def", "async deaf"),
    "an int": (6, CONSUMERS, "str(number)", "number + 1"),
}  # fmt: skip
TOO_EARLY = {"models too early": (6, CONSUMERS, "from random", f"{USER}from random")}

COMMANDS = (
    "python manage.py runserver",
    "daphne webapp.asgi:application",
)


def broken(folder: Path, name: str) -> Path:
    """A step's project with one mistake in it."""
    step, file, old, new = (BROKEN | TOO_EARLY)[name]
    project = folder / name.replace(" ", "-")
    shutil.copytree(next(HERE.glob(f"steps/{step:02}-*")), project)
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    if name in TOO_EARLY:  # both mistakes at once are the one that is met
        path = project / ASGI
        text = path.read_text().replace(ROUTES, "")
        path.write_text(text.replace("import os\n", f"import os\n{ROUTES}", 1))
    return project


def said(command: str, project: Path) -> list[str]:
    """What a command prints; a server also when somebody has knocked at it."""
    server = Server(command.split(), project)
    try:
        seen = []
        if server.ready(60):
            seen = talk(server.ws)
            if len(seen) == 2:
                server.child.wait_for(lambda out: "DISCONNECT" in out, 5)
    finally:
        server.stop()
    # Whether this is said depends on when Daphne last looked for ended consumers,
    # which a warm one does more often.
    log = re.sub(r"^.*Killed \d+ pending application.*\n", "", server.log(), flags=re.M)
    return [*seen, str(server.child.poll()), *plain(log)]


def talk(url: str) -> list[str]:
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import connect

    try:
        with connect(
            f"{url}/ws/whole1/",
            proxy=None,
            additional_headers={"Origin": "http://127.0.0.1"},
        ) as socket:
            first = str(socket.recv(SECONDS))
            socket.send("next")
            return [first, str(str(socket.recv(SECONDS)).isdecimal())]
    except (InvalidStatus, ConnectionClosed) as error:
        return [str(error), ""] if isinstance(error, ConnectionClosed) else [str(error)]


@pytest.mark.parametrize("name", [*BROKEN, *TOO_EARLY])
def test_a_project_says_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = broken(tmp_path, name)
    outcomes = []
    for value in ("", "1"):
        monkeypatch.setenv("TUTOR_COLD", value)
        with ThreadPoolExecutor(len(COMMANDS)) as pool:
            outcomes.append(list(pool.map(lambda c: said(c, project), COMMANDS)))
    for command, warm, cold in zip(COMMANDS, *outcomes, strict=True):
        assert [command, *difference(cold, warm)] == [command]


# -- the nursery ------------------------------------------------------------------

SLEEP = "import time; print('up'); time.sleep(3600)"


def nursery() -> Nursery:
    found = children.warmed()
    assert found is not None
    return found


def test_a_killed_nursery_is_replaced(warm: Run) -> None:
    before = nursery()
    os.kill(before.pid, signal.SIGKILL)
    assert gone(before.pid)
    assert warm(["python", "-c", "print('on')"]).out == "on\n"
    assert nursery().pid != before.pid


def test_a_child_outlives_the_nursery_and_still_ends_with_us(tmp_path: Path) -> None:
    child = Child(["python", "-c", SLEEP], tmp_path)
    assert child.wait_for(lambda out: "up" in out, SECONDS)
    found = nursery()
    os.kill(found.pid, signal.SIGKILL)
    assert gone(found.pid)
    assert child.poll() is None
    pids = [child.pid, *(p.pid for p in psutil.Process(child.pid).children())]
    child.stop()
    assert child.poll() == 128 + signal.SIGTERM
    assert len(pids) == 2 and gone(*pids)


def test_a_killed_guard_takes_its_child_along(tmp_path: Path) -> None:
    child = Child(["python", "-c", SLEEP], tmp_path)
    assert child.wait_for(lambda out: "up" in out, SECONDS)
    inner = psutil.Process(child.pid).children()[0].pid
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(SECONDS) == -signal.SIGKILL
    assert gone(inner, child.pid)
    child.stop()


class Interrupted:
    """A socket on which Ctrl-C comes while the answer is waited for."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def recv(self, size: int) -> bytes:
        raise KeyboardInterrupt


def test_ctrl_c_while_a_child_starts(
    warm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer that was not read is not taken for the next one."""
    warm(["python", "-c", "pass"])
    before = psutil.Process().num_fds()
    with monkeypatch.context() as context:
        context.setattr(nursery(), "_control", Interrupted(nursery()._control))
        with pytest.raises(KeyboardInterrupt):
            children.run(["python", "-c", SLEEP], tmp_path)
    assert psutil.Process().num_fds() <= before
    done = warm(["python", "-c", "import os; print(os.getppid())"])
    assert int(done.out) > 0 and done.code == 0


def test_children_started_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By eight threads, the first of which also start the nursery."""
    monkeypatch.setattr(children, "_nursery", None)
    ready = threading.Barrier(8)
    echo = ["python", "-c", "import sys; print(sys.argv[1] * 50_000); sys.exit(3)"]

    def many(name: str) -> list[tuple[int, str]]:
        ready.wait(SECONDS)
        done = [children.run([*echo, name], tmp_path) for _ in range(5)]
        return [(one.code, one.out) for one in done]

    with ThreadPoolExecutor(8) as pool:
        for name, done in zip("abcdefgh", pool.map(many, "abcdefgh"), strict=True):
            assert done == [(3, name * 50_000 + "\n")] * 5
    assert children._nursery is not None and children._nursery.usable


def test_one_thread_waits_and_another_asks(tmp_path: Path) -> None:
    child = Child(["python", "-c", SLEEP], tmp_path)
    assert child.wait_for(lambda out: "up" in out, SECONDS)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(child.wait)
        assert child.poll() is None and not child.ended
        child.stop()
        assert waiting.result(SECONDS) == child.poll() == 128 + signal.SIGTERM


def test_stopped_before_it_has_begun(tmp_path: Path) -> None:
    """Its group is there as soon as its number is known, and tells how it ended."""
    for _ in range(20):
        child = Child(["python", "-c", SLEEP], tmp_path)
        os.killpg(child.pid, 0)
        child.stop()
        assert gone(child.pid) and child.poll() == 128 + signal.SIGTERM


PARENT = """
import os, signal, sys
from pathlib import Path
import psutil
from tutor import children
inner = "import subprocess, time; p = subprocess.Popen(['sleep', '3600']); " \\
        "print(p.pid, flush=True); time.sleep(3600)"
child = children.Child(["python", "-c", inner], Path(sys.argv[1]))
child.wait_for(lambda out: "\\n" in out)
below = psutil.Process(child.pid).children(recursive=True)
pids = {child.pid, children.warmed().pid, int(child.text), *(p.pid for p in below)}
print(*pids, flush=True)
os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["KILL", "TERM"])
def test_nothing_warm_outlives_its_user(tmp_path: Path, how: signal.Signals) -> None:
    parent = subprocess.run(
        [sys.executable, "-c", PARENT, str(tmp_path), str(int(how))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    pids = [int(pid) for pid in parent.stdout.split()]
    assert len(pids) == 4, parent.stderr
    assert gone(*pids)


def test_a_project_of_the_same_names_elsewhere_hides_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = HERE / "steps/06-consumer"
    monkeypatch.syspath_prepend(HERE)  # as `python -m` does: our own webapp/ is there
    assert not gathering.hides(project)
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([self / "redis.py"]))
    assert gathering.hides(project)


def test_elsewhere_children_start_cold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert children.warmed() is not None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert children.warmed() is None
    assert not starts_warm(["python", "-c", "pass"], tmp_path)


@pytest.mark.parametrize("hiding", ["random.py", "channels.py", "twisted/__init__.py"])
def test_a_module_of_the_project_comes_before_a_librarys(
    hiding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUTOR_COLD", raising=False)
    (tmp_path / hiding).parent.mkdir(exist_ok=True)
    (tmp_path / hiding).write_text("print('mine')\n")
    name = hiding.partition("/")[0].removesuffix(".py")
    done = children.run(["python", "-c", f"import {name}"], tmp_path)
    assert "mine" in done.out


# -- pytest ------------------------------------------------------------------------

TESTED = """
import django, os, pytest, sys

@pytest.fixture
def one():
    return {"a": 1}

def test_it_fails(one):
    assert one == {"a": 2}

def test_it_prints_and_passes(capfd, tmp_path):
    os.write(1, b"deep")
    assert capfd.readouterr().out == "deep"

@pytest.mark.skip(reason="no")
def test_it_is_left_out(): pass
"""


def test_pytest_says_the_same(warm: Run, cold: Run, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "setup.cfg").write_text("[tool:pytest]\naddopts = -p no:asyncio -rs\n")
    (project / "test_it.py").write_text(TESTED)
    (project / "conftest.py").write_text("import helping\n")
    (project / "helping.py").write_text("assert 1\n")
    for argv in (
        ["pytest", "-q", "--rootdir=."],
        ["pytest", "-q", "-c", "setup.cfg", "-x", "test_it.py"],
        ["pytest", "--fixtures", "-q"],
        ["pytest", "--nonsense"],
    ):
        ends = [run(argv, project) for run in (warm, cold)]
        one, other = (re.sub(r"in \d+\.\d+s", "", done.out) for done in ends)
        assert one == other
        assert ends[0].code == ends[1].code
