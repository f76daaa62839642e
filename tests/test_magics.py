"""What the words of a cell print, and what they say when it does not go.

In a small project that needs no Django, except where Django is the point.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tutor import magics
from tutor.course import Step, step_line

from .courses import APP, Kernel, make, write_tree


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("course").resolve())


@pytest.fixture(scope="module")
def one_kernel(root: Path) -> Iterator[Kernel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUTOR_ROOT", str(root))
        patch.delenv("TUTOR_RECORD", raising=False)
        kernel = Kernel(root)
        yield kernel
        kernel.end()


@pytest.fixture
def kernel(one_kernel: Kernel) -> Kernel:
    """One kernel for all, at the beginning of step 2 each time."""
    one_kernel.runs("%step 2")
    return one_kernel


def files(kernel: Kernel) -> dict[str, bytes]:
    folder = kernel.session.folder
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- commands -----------------------------------------------------------------------


def test_a_command(kernel: Kernel) -> None:
    assert kernel.runs("%sh python -c \"print('a'); print('b')\"")[0].text == "a\nb\n"
    assert kernel.runs("%sh sh -c 'echo out; echo err >&2'")[0].text == "out\nerr\n"
    said = kernel.runs('%sh python -c "import os; print(os.getcwd())"')[0].text
    assert said == ".\n"  # where it ran is not the same in every run


def test_a_command_that_fails(kernel: Kernel) -> None:
    shown = kernel.run("%sh python -c \"print('why'); exit(3)\"")
    assert shown.refuses("why", "failed with exit status 3")
    assert kernel.run("%sh no-such-command").refuses("no-such-command: not found")


def test_a_command_that_should_fail(kernel: Kernel) -> None:
    assert kernel.runs("%sh --fails sh -c 'echo no; exit 1'")[0].text == "no\n"
    assert kernel.run("%sh --fails echo yes").refuses("yes", "should have failed here")
    shown = kernel.runs("%sh --fails python -c '1 / 0'")[0]
    assert shown.lines[-1] == "ZeroDivisionError: division by zero"


def test_a_command_that_creates(kernel: Kernel) -> None:
    cell = "%sh --creates made.py python -c \"open('made.py', 'x'); print('made')\""
    assert kernel.runs(cell, cell)[0].text == "made\n"
    assert kernel.runs(cell)[0].text == ""


def test_a_command_that_does_not_end(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(kernel.session).sh, "__defaults__", (0.3,))
    shown = kernel.run("%sh sh -c 'echo on; exec sleep 3600'")
    assert shown.refuses("on", "did not end by itself")
    assert kernel.run("%sh --fails sleep 3600").refuses("did not end by itself")


@pytest.mark.parametrize(
    "cell, words",
    [
        ("%sh", "A command is missing"),
        ("%sh echo 'open", "A quote is left open"),
        ("%sh --unknown x", "--unknown is not known here; known: --fails, --creates"),
        ("%serve", "A command is missing"),
        ("%serve daphne 'open", "A quote is left open"),
        ("%serve --fast daphne", "--fast is not known"),
        ("%%write --unknown a.py\nx", "--unknown is not known"),
        ("%move a.py", "%move OLD NEW"),
        ("%move gone.py other.py", "gone.py: there is no such file"),
        ("%remove bells", "bells can't be removed"),
        ("%%write bells\nx = 1", "bells can't be written"),
        ("%%write app.py/x.py\nx = 1", "app.py/x.py can't be written"),
        ("%%edit app.py\nno mark", "line 1 of the change begins with 'n'"),
        ("%%edit picture.png\n a\n+b", "picture.png is no text in UTF-8"),
        ("%step x", "A step's number is due here, not 'x'"),
        ("%step", "A step's number is due here"),
        ("%step 99", "no step 99; the steps are 1 to 3"),
        ("%exercise 99", "no step 99"),
        ("%hint 99", "no step 99"),
        ("%%answer 99\nx = 1", "no step 99"),
        ("%log", "No server is running"),
        ("%stop", "No server is running"),
        ("await tutor.knock('/')", "No server is running"),
        ("tutor.get('/')", "No server is running"),
        ("await tutor.raw('/')", "No server is running"),
        ("tutor.way()", "Nobody has knocked yet"),
    ],
)
def test_what_can_not_be_done(
    kernel: Kernel, cell: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(kernel.session.folder, {"bells/a.py": "x"})
    (kernel.session.folder / "picture.png").write_bytes(b"\x89PNG\xff")
    monkeypatch.setattr(kernel.session, "servers", [])
    monkeypatch.setattr("tutor.cells.sockets._last_knock", None)
    kernel.runs("import tutor")
    before = files(kernel)
    assert kernel.run(cell).refuses(words)
    assert files(kernel) == before


def test_a_step_without_an_exercise(kernel: Kernel) -> None:
    assert kernel.run("%%answer 1\nx = 1").refuses("has no exercise")
    assert kernel.runs("%hint 1")[0].text == "Step 1 has no hints.\n"


def test_the_projects_folder_is_gone(kernel: Kernel) -> None:
    folder = kernel.session.folder
    folder.rename(folder.with_name(folder.name + "-away"))
    try:
        assert kernel.run("%sh python -V").refuses("is gone")
        assert kernel.run("%serve daphne app:application").refuses("is gone")
    finally:
        folder.with_name(folder.name + "-away").rename(folder)


# -- files -------------------------------------------------------------------------


def test_files(kernel: Kernel) -> None:
    said = kernel.runs(
        "%%write a/b.py\nx = 1\n",
        "%%write a/c.py\nx = 1\ny = 2\n",
        "%move a/b.py a/d/e.py",
        "%remove a/c.py",
        "%tree a/",
        "%tree",
    )
    assert [shown.text for shown in said] == [
        "a/b.py: 1 line\n",
        "a/c.py: 2 lines\n",
        "a/b.py: now a/d/e.py\n",
        "a/c.py: removed\n",
        "a/\n    d/\n        e.py\n",
        "a/\n    d/\n        e.py\napp.py\n",
    ]
    kernel.runs("%remove a/d/e.py")


def test_a_change_says_where_it_is(kernel: Kernel) -> None:
    cell = "%%edit app.py\n     '''Say the name.'''\n+    ring = 1\n"
    said = kernel.runs(cell)[0].text
    assert said == "app.py: +1 −0, in application()\n"


def test_tree_lines_name_each_folder_once() -> None:
    names = ["manage.py", "app/a.py", "app/deep/er/b.py", "app/deep/c.py", "web/d.py"]
    assert magics.tree_lines(names) == [
        "app/",
        "    a.py",
        "    deep/",
        "        c.py",
        "        er/",
        "            b.py",
        "web/",
        "    d.py",
        "manage.py",
    ]


def test_a_steps_line(tmp_path: Path) -> None:
    step = Step(4, "x", "X", 9, "silent")
    one, two = tmp_path / "one", tmp_path / "two"
    write_tree(one, {"a": "1\n"})
    write_tree(two, {"a": "2\n", "b": "1\n", "c": "1\n"})
    line = "Step 4: 9 minutes · "
    assert step_line(step, one, None) == line + "no file · silent"
    assert step_line(step, one, two) == line + "a +1 −1, b +1 −0, c +1 −0 · silent"
    write_tree(two, {"d": "1\n"})
    assert step_line(step, one, two) == line + "4 files +4 −1 · silent"


# -- servers and clients --------------------------------------------------------------


def test_a_conversation(kernel: Kernel) -> None:
    kernel.runs("import tutor")
    up, talk, knock, get, log, stop = kernel.runs(
        "%serve daphne app:application",
        "async with tutor.connect('/door/') as ws:\n    await ws.recv()\n"
        "    await ws.recv()",
        "await tutor.knock('/door/', origin='http://evil.example')",
        "tutor.get('/')",
        "%log",
        "%stop",
    )
    assert up.text == "The server is up.\n"
    assert talk.lines == [
        "→ GET /door/   Upgrade: websocket",
        "← 101 Switching Protocols",
        '← text "door"',
        "← close 4000 (the application's own code)",
    ]
    assert knock.lines[0].endswith("Origin: http://evil.example")
    assert get.lines == ["→ GET /", "← 200 OK"]
    assert log.text == "nothing in the log at WARNING or above\n"
    assert stop.text == "The server has ended.\n"


def test_a_server_that_has_ended_is_no_traceback(kernel: Kernel) -> None:
    kernel.runs("import tutor", "%serve daphne app:application", "%stop", "%stop")
    shown = kernel.runs("await tutor.knock('/')")[0]
    assert shown.lines[1] == "← connection refused: no server is listening"
    for cell in (
        "tutor.get('/')",
        "await tutor.raw('/')",
        "async with tutor.connect('/') as ws:\n    await ws.recv()",
        "async with tutor.wire('/') as wire:\n    await wire.recv()",
        "await tutor.waits('/', clients=2)",
    ):
        assert kernel.run(cell).refuses("no server is listening")


def test_a_socket_that_was_closed_is_no_traceback(kernel: Kernel) -> None:
    kernel.runs("import tutor", "%serve daphne app:application")
    shown = kernel.run(
        "async with tutor.connect('/') as ws:\n"
        "    await ws.recv()\n    await ws.closed()\n    await ws.send('late')\n"
    )
    assert "Traceback" not in shown.text
    assert shown.text.count("close 4000") == 2
    kernel.runs("%stop")


def test_a_variable_for_a_server(kernel: Kernel) -> None:
    code = "import os, sys; n = int(os.environ['N']); sys.exit(f'{n > 1023} {n}')"
    said = kernel.runs(f'%serve --fails N=PORT python -c "{code}"')[0].text
    assert said == "True PORT\n"  # the server's own, which is not printed


def test_a_server_that_dies_at_start(kernel: Kernel) -> None:
    kernel.runs("%%write broken.py\n1 / 0\n")
    shown = kernel.run("%serve daphne broken:application")
    assert "ended while starting" in shown.text
    said = shown.text.partition("It said:")[2].strip().splitlines()
    assert said[0].startswith("Traceback") and said[1] == "  [...]"
    assert said[-1] == "ZeroDivisionError: division by zero"
    assert 'File "broken.py", line 1' in shown.text and "src/tutor" not in shown.text
    planned = kernel.runs("%serve --fails daphne broken:application")[0].lines
    assert planned == said
    kernel.runs("%remove broken.py")


def test_a_server_that_should_die_and_does_not(kernel: Kernel) -> None:
    shown = kernel.run("%serve --fails daphne app:application")
    assert shown.refuses("should not have started here")
    assert not kernel.session.serving().running


def test_the_log_is_waited_for_and_shown_once(kernel: Kernel) -> None:
    loud = APP.replace("    if", "    1 / (scope['path'] != '/boom')\n    if", 1)
    kernel.runs(f"%%write loud.py\n{loud}", "%serve daphne loud:application")
    kernel.runs("import tutor", "tutor.get('/boom')", "tutor.get('/')")
    found = kernel.runs("%log division by zero", "%log division by zero")
    assert found[0] == found[1]
    assert found[0].lines[0].endswith("Exception inside application: division by zero")
    assert found[0].lines[-1] == "ZeroDivisionError: division by zero"
    assert '  File "loud.py", line 8, in application' in found[0].lines
    assert "GET /" not in found[0].text
    every = kernel.runs("%log")[0]
    assert every.text.count("ZeroDivisionError") == 1
    assert kernel.runs("%log")[0].text == "nothing in the log at WARNING or above\n"
    kernel.runs("%stop", "%remove loud.py")


def test_the_log_without_the_words(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.runs("%serve daphne app:application", "%stop")
    shown = kernel.run("%log no such words")
    assert shown.refuses("no entry with: no such words", "Listening on")


# -- Python inside the project ------------------------------------------------------

MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf')\n"


def test_python_inside_the_project(kernel: Kernel) -> None:
    write_tree(kernel.session.folder, {"manage.py": MANAGE, "conf.py": "X = 7\n"})
    cell = (
        "%%project\nimport asyncio, os\nfrom django.conf import settings\n"
        "await asyncio.sleep(0)\nprint(settings.X, os.getcwd())\n"
    )
    once, again = kernel.runs(cell, cell)
    assert once == again and once.text == "7 .\n"
    kernel.runs("%%write conf.py\nX = 8\n")
    assert kernel.runs(cell)[0].text == "8 .\n"  # a fresh process each time
    failing = kernel.run("%%project\nx = 1\nx / 0\n")
    assert failing.failed and "exit status 1" in failing.text
    assert '  File "<cell>", line 2, in <module>\n    x / 0\n' in failing.text
    assert "project_cell" not in failing.text and "src/tutor" not in failing.text
    assert kernel.runs("%%project --fails\n1 / 0")[0].lines[-1].startswith("ZeroDiv")
    assert kernel.run("%%project --fails\nprint(1)").refuses("should have failed")
    assert "SyntaxError" in kernel.run("%%project\nx = = 1").text
