"""Tracebacks as a reader wants them, whatever Python draws them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tutor.tracebacks import fold

PROJECT = Path("/project")


def folded(text: str) -> str:
    return fold(dedent(text).removeprefix("\n"), PROJECT)


def expected(text: str) -> str:
    return dedent(text).removeprefix("\n")


LIBRARY = """\
  File "/venv/lib/python3.11/site-packages/channels/routing.py", line 62, in __call__
    return await application(scope, receive, send)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"""


def test_libraries_fold_and_the_project_stays() -> None:
    text = (
        "before\n"
        "Traceback (most recent call last):\n"
        + LIBRARY
        * 3
        + '  File "/project/app/consumers.py", line 14, in receive\n'
        "    await self.send(1)\n" + LIBRARY + "AttributeError: 'int' object\nafter\n"
    )
    assert fold(text, PROJECT) == (
        "before\n"
        "Traceback (most recent call last):\n"
        "  [...]\n"
        '  File "app/consumers.py", line 14, in receive\n'
        "    await self.send(1)\n"
        "  [...]\n"
        "AttributeError: 'int' object\n"
        "after\n"
    )


STYLES = {
    "3.10: no marks": """
        Traceback (most recent call last):
          File "/project/a.py", line 3, in <module>
            print(1 / zero)
        ZeroDivisionError: division by zero
    """,
    "3.11: marks": """
        Traceback (most recent call last):
          File "/project/a.py", line 3, in <module>
            print(1 / zero)
                  ~~^~~~~~
        ZeroDivisionError: division by zero
    """,
    "3.13: marks over several lines": """
        Traceback (most recent call last):
          File "/project/a.py", line 3, in <module>
            print(1 / zero)
            ~~~~~^^^^^^^^^^
                  more_of_the_call,
                  ^^^^^^^^^^^^^^^^^
            )
            ^
        ZeroDivisionError: division by zero
    """,
}


@pytest.mark.parametrize("style", STYLES)
def test_every_python_draws_the_same(style: str) -> None:
    assert folded(STYLES[style]) == expected("""
        Traceback (most recent call last):
          File "a.py", line 3, in <module>
            print(1 / zero)
        ZeroDivisionError: division by zero
    """)


def test_repeated_lines_of_a_library_fold_with_it() -> None:
    """3.13 shows a multi-line call with marks below each of its lines."""
    assert folded("""
        Traceback (most recent call last):
          File "/usr/lib/python3.13/asyncio/runners.py", line 118, in run
            return self._loop.run_until_complete(
                   ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~^
                task
                ^^^^
            )
            ^
          File "/project/a.py", line 3, in main
            1 / 0
            ~~^~~
        ZeroDivisionError: division by zero
    """) == expected("""
        Traceback (most recent call last):
          [...]
          File "a.py", line 3, in main
            1 / 0
        ZeroDivisionError: division by zero
    """)


def test_chained_exceptions_keep_both() -> None:
    assert folded("""
        Traceback (most recent call last):
          File "/project/a.py", line 3, in one
            import nothing
        ModuleNotFoundError: No module named 'nothing'

        During handling of the above exception, another exception occurred:

        Traceback (most recent call last):
          File "/lib/x.py", line 1, in x
            y()
          File "/project/b.py", line 5, in two
            one()
            ~~~^^
        ImportError: no
    """) == expected("""
        Traceback (most recent call last):
          File "a.py", line 3, in one
            import nothing
        ModuleNotFoundError: No module named 'nothing'

        During handling of the above exception, another exception occurred:

        Traceback (most recent call last):
          [...]
          File "b.py", line 5, in two
            one()
        ImportError: no
    """)


@pytest.mark.parametrize("drawn", ["               ^", "    ^^^^^^^^^^"])
def test_a_syntax_error_keeps_its_line(drawn: str) -> None:
    text = (
        "Traceback (most recent call last):\n"
        '  File "/lib/importlib/__init__.py", line 126, in import_module\n'
        "    return _bootstrap._gcd_import(name)\n"
        '  File "/project/webapp/asgi.py", line 4\n'
        "    application = ProtocolTypeRouter({\n"
        f"{drawn}\n"
        "SyntaxError: '{' was never closed\n"
    )
    assert fold(text, PROJECT) == (
        "Traceback (most recent call last):\n"
        "  [...]\n"
        '  File "webapp/asgi.py", line 4\n'
        "    application = ProtocolTypeRouter({\n"
        "SyntaxError: '{' was never closed\n"
    )


def test_a_cells_own_frames_stay() -> None:
    assert folded("""
        Traceback (most recent call last):
          File "/tutor/project_cell.py", line 43, in main
            exec(compiled, names)
          File "<cell>", line 2, in <module>
            boom()
          File "<frozen importlib._bootstrap>", line 1, in x
        NameError: name 'boom' is not defined
    """) == expected("""
        Traceback (most recent call last):
          [...]
          File "<cell>", line 2, in <module>
            boom()
          [...]
        NameError: name 'boom' is not defined
    """)


@pytest.mark.parametrize("shown", ["{}/manage.py", "manage.py"], ids=["3.13", "3.11"])
def test_manage_py_is_shown_only_where_it_fails(tmp_path: Path, shown: str) -> None:
    (tmp_path / "manage.py").touch()
    name = shown.format(tmp_path)
    main = f'  File "{name}", line 22, in <module>\n    main()\n    ~~~~^^\n'
    first = "Traceback (most recent call last):\n"
    passed = first + main + LIBRARY + "ValueError: no\n"
    assert fold(passed, tmp_path) == first + "  [...]\nValueError: no\n"
    failed = first + LIBRARY + main + "NameError: no\n"
    assert fold(failed, tmp_path) == (
        first + '  [...]\n  File "manage.py", line 22, in <module>\n    main()\n'
        "NameError: no\n"
    )


def test_what_python_repeats_is_kept_once() -> None:
    """A recursion: "[Previous line repeated ...]" belongs to the frame above it."""
    assert folded("""
          File "/lib/x.py", line 1, in x
            x()
          [Previous line repeated 990 more times]
        RecursionError: maximum recursion depth exceeded
    """).endswith("RecursionError: maximum recursion depth exceeded\n")


@pytest.mark.parametrize(
    "line",
    [
        "AttributeError: module 'webapp.asgi' has no attribute 'aplication'",
        "NameError: name 'prnt' is not defined",
        "ImportError: cannot import name 'routin' from 'master_app'",
    ],
)
def test_what_newer_pythons_guess_goes(line: str) -> None:
    assert fold(f"{line}. Did you mean: 'print'?\n", PROJECT) == f"{line}\n"
    assert fold(f"{line}\n", PROJECT) == f"{line}\n"


def test_the_projects_folder_is_not_shown() -> None:
    """Also where the system's /tmp is a link, as on macOS."""
    text = "Watching /project/webapp in /project\n"
    assert fold(text, PROJECT) == "Watching webapp in .\n"


def test_a_linked_project(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    frame = f'  File "{tmp_path}/real/a.py", line 1, in x\n    y()\n'
    assert fold(frame, tmp_path / "link") == '  File "a.py", line 1, in x\n    y()\n'


@pytest.mark.parametrize("text", ["", "\n", "one\n", "one", "  ^\n", "a\n\nb\n"])
def test_what_is_no_traceback_stays(text: str) -> None:
    assert fold(text, PROJECT) == text
