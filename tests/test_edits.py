"""Marked changes: found by their context, made once, refused when in doubt."""

from __future__ import annotations

import random

import pytest

from tutor import edits
from tutor.edits import EditError

SETTINGS = """\
INSTALLED_APPS = [
    'django.contrib.admin',
    'django.contrib.staticfiles',
]

SECRET_KEY = 'random-and-long'
"""


def made(change: str, text: str) -> str:
    return edits.apply(edits.parse(change), text)


# -- reading a change ----------------------------------------------------------


def test_every_line_has_a_mark() -> None:
    change = edits.parse(" stays\n-goes\n+comes\n+\n")
    assert change.before == ["stays", "goes"]
    assert change.after == ["stays", "comes", ""]
    assert (change.added, change.removed) == (2, 1)


def test_an_empty_line_is_context() -> None:
    assert edits.parse(" a\n\n+b").before == ["a", ""]


@pytest.mark.parametrize(
    "change, said, line",
    [
        (" a\n+b\nc = 1", "line 3 of the change begins with 'c'", "c = 1"),
        ("\tif x:\n+b", r"line 1 of the change begins with '\t'", "\tif x:"),
        (" a\n+b[...]", "[...] in a + line", "+b[...]"),
        (" a\n b", "no + and no - line", ""),
        ("", "no + and no - line", ""),
        ("+a\n+b", "no context line", ""),
        (" \n+a", "no context line", ""),
    ],
)
def test_what_can_not_be_read(change: str, said: str, line: str) -> None:
    with pytest.raises(EditError) as error:
        edits.parse(change)
    assert said in str(error.value)
    assert error.value.line == line


# -- making it -----------------------------------------------------------------


@pytest.mark.parametrize(
    "change, text, expected",
    [
        pytest.param(" a\n+b", "a\nc\n", "a\nb\nc\n", id="insertion below"),
        pytest.param("+b\n a", "a\nc\n", "b\na\nc\n", id="insertion above"),
        pytest.param(" c\n+d", "a\nc\n", "a\nc\nd\n", id="insertion at the end"),
        pytest.param(" c\n+d", "a\nc", "a\nc\nd", id="no newline at the end"),
        pytest.param(" a\n-b", "a\nb\nc\n", "a\nc\n", id="deletion below"),
        pytest.param("-a", "a\nb\n", "b\n", id="deletion alone"),
        pytest.param("-a\n+A", "a\nb\n", "A\nb\n", id="replacement"),
        pytest.param("-a\n b\n+a", "a\nb\n", "b\na\n", id="moved down"),
        pytest.param("-    a\n+  a", "    a\n", "  a\n", id="other indentation"),
        pytest.param(" a", "", None, id="nothing to do"),
        pytest.param(" a\n+b", "a  \nc\n", "a  \nb\nc\n", id="blanks at line ends"),
        pytest.param(" a[...]\n+b", "a = 1\n", "a = 1\nb\n", id="[...] in context"),
        pytest.param("-a[...]z\n+b", "a = z\n", "b\n", id="[...] in a - line"),
        pytest.param("-a[...]\n+b", "a\n", "b\n", id="[...] for nothing"),
        pytest.param(
            " [...]key[...]\n+b", "my key = 1\n", "my key = 1\nb\n", id="twice"
        ),
        pytest.param(" f(x)\n+b", "f(x)\n", "f(x)\nb\n", id="no pattern but a text"),
        pytest.param(" a = 'x'\n+b", 'a = "x"\n', 'a = "x"\nb\n', id="other quotes"),
        pytest.param(" a\n+b", "a\r\nc\r\n", "a\r\nb\r\nc\r\n", id="ends of Windows"),
        pytest.param("-a = 'x'\n+b", 'a = "x"\n', "b\n", id="other quotes go"),
    ],
)
def test_a_change_is_made_once(change: str, text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(EditError):
            made(change, text)
        return
    assert made(change, text) == expected
    assert made(change, expected) == expected


def test_the_files_own_quotes_come_first() -> None:
    """With both kinds of quotes in the file, the line as written is the one."""
    text = "a = \"x\"\na = 'x'\n"
    assert made(" a = 'x'\n+b", text) == text + "b\n"


def test_a_change_already_made_with_other_quotes_is_left_alone() -> None:
    text = 'APPS = [\n    "daphne",\n    "admin",\n'
    assert made(" APPS = [\n+    'daphne',\n     'admin',", text) == text


@pytest.mark.parametrize(
    "change, said, line",
    [
        (" a\n+b", "fits 2 places", "a"),
        ("-a\n+b", "fits 2 places", "a"),
        ("-a\n-c", "fits 2 places", "a"),
    ],
)
def test_a_change_that_fits_twice_is_refused(change: str, said: str, line: str) -> None:
    with pytest.raises(EditError, match=said) as error:
        made(change, "a\nc\na\nc\n")
    assert error.value.line == line


@pytest.mark.parametrize(
    "change, line",
    [
        (" INSTALLED_APPS = [\n+    'daphne',\n     'admin',", "    'admin',"),
        ("-WSGI = 1\n+ASGI = 1", "WSGI = 1"),
        (" INSTALLED_APPS = (\n-    'django.contrib.admin',", "INSTALLED_APPS = ("),
        # every line is there, though not one below the other
        (" INSTALLED_APPS = [\n+x\n SECRET_KEY = [...]", "INSTALLED_APPS = ["),
        (" \n [...]\n-nowhere\n+x", "nowhere"),
    ],
)
def test_what_is_not_there_is_named(change: str, line: str) -> None:
    with pytest.raises(EditError, match="not in the file") as error:
        made(change, SETTINGS)
    assert error.value.line == line


@pytest.mark.parametrize("seed", range(200))
def test_any_change_is_made_once_and_touches_nothing_else(seed: int) -> None:
    """A random piece of a random file, some of its lines going, some coming."""
    dice = random.Random(seed)
    lines = [f"line {n} of {dice.choice('abc')}" for n in range(dice.randrange(3, 12))]
    start = dice.randrange(len(lines))
    piece = lines[start : start + dice.randrange(1, 5)]
    marked, after = [], []
    for n, line in enumerate(piece):
        mark = dice.choice(" -") if n else " "
        cut = dice.randrange(5, len(line))  # "line " must stay findable
        shown = line[:cut] + "[...]" if dice.random() < 0.3 and len(piece) > 1 else line
        # The number, which tells the lines apart, is kept in what is shown.
        shown = shown if f" {start + n} " in shown else line
        marked.append(mark + shown)
        after += [line] if mark == " " else []
        for new in range(dice.randrange(3)):
            marked.append(f"+new {n} {new}")
            after.append(f"new {n} {new}")
    if not any(line[0] in "+-" for line in marked):
        marked.append("+new")
        after.append("new")
    expected = [*lines[:start], *after, *lines[start + len(piece) :]]
    change = "\n".join(marked)
    once = made(change, "\n".join(lines))
    assert once == "\n".join(expected), change
    assert made(change, once) == once, change


# -- where it is, in words ---------------------------------------------------------

CODE = """\
import os

APPS = [
    'a',
]


class Door:
    def open(self):
        return 1

    async def close(self):
        return 2


def bell():
    return 3
"""


@pytest.mark.parametrize(
    "change, place",
    [
        (" import os\n+import re", ""),
        (" APPS = [\n+    'b',", "in APPS"),
        ("-APPS = [\n+ALL = [", ""),
        (" class Door:\n+    x = 1", "in class Door"),
        ("-        return 1\n+        return 4", "in class Door, open()"),
        ("-        return 2\n+        return 4", "in class Door, close()"),
        (" def bell():\n-    return 3\n+    ring()\n+    return 3", "in bell()"),
    ],
)
def test_the_place_in_words(change: str, place: str) -> None:
    parsed = edits.parse(change)
    assert edits.where(parsed, edits.apply(parsed, CODE)) == place


def test_no_place_in_what_is_no_python_or_does_not_hold_it() -> None:
    change = edits.parse(" listen 80;\n+root /srv;")
    assert edits.where(change, "server {\nlisten 80;\nroot /srv;\n}") == ""
    assert edits.where(change, CODE) == ""
