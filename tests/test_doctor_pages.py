"""Pages and their scripts together: what one of them says, and the other does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_doctor_everyday import LOADS, PAGE, SCRIPT, STATICFILES, TAKEN, look

NOT_THERE = "client-element-not-there"
NAMES = "const byId = (id) => document.getElementById(id);\n"
ROWS = "<template id=row><td class='low'></td></template><input name='high'>"
ROW = "const row = document.querySelector('#row').content.cloneNode(true);\n"
JQUERY = "<p id=log></p><script src='https://a.example/jquery.min.js'></script>"
Files = dict[str, str]


def page(body: str) -> Files:
    return {PAGE: body + LOADS, SCRIPT: ""}


def script(text: str, body: str = "<p id=log class='box'></p>") -> Files:
    return {PAGE: body + LOADS, SCRIPT: text}


# What is wrong: the files, the slug, where.
WRONG: dict[str, tuple[Files, str | None, str, int]] = {
    "a sign in an id": (
        script(NAMES + "byId('#log').hidden = true;"), NOT_THERE, SCRIPT, 2,
    ),
    "an id without its sign": (
        script("const a = document.querySelector('log-line');\nb.onclick = () => "
               "a.remove();", "<p id=log-line></p>"),
        NOT_THERE, SCRIPT, 1,
    ),
    "a field's name for a class": (
        script(ROW + "row.querySelector('.high').hidden = true;", ROWS),
        NOT_THERE, SCRIPT, 2,
    ),
    "in a selector's end": (
        script("document.querySelector('#log .line').hidden = true;"),
        NOT_THERE, SCRIPT, 1,
    ),
    "kept in an object": (
        script("class A {\n  constructor() { this.a = document.getElementById('a'); }\n"
               "  b() { this.a.hidden = true; }\n}\nnew A().b();"),
        NOT_THERE, SCRIPT, 2,
    ),
    "of jQuery": (script("$('#lag').text(1);", JQUERY), NOT_THERE, SCRIPT, 1),
    "a method of jQuery": (script("$('#log').text = 1;", JQUERY), TAKEN, SCRIPT, 1),
}  # fmt: skip
RIGHT: dict[str, Files] = {
    "asked after": script("const a = document.getElementById('a');\nif (a) a.b = 1;"),
    "asked before": script(
        "if (document.getElementById('a')) document.getElementById('a').b = 1;"
    ),
    "perhaps": script("document.querySelector('.line')?.remove();"),
    "made there": script(
        "const a = document.createElement('p');\na.className = 'line new';\n"
        "a.append(1);\ndocument.querySelector('p.line').hidden = true;"
    ),
    "in its html": script(
        "log.innerHTML = `<b class=\"n-${1}\" id='c'></b>`;\n"
        "document.querySelector('#c').hidden = true;"
    ),
    "a row's own": script(ROW + "row.querySelector('.low').hidden = true;", ROWS),
    "lists": script("document.querySelectorAll('.line').forEach(f);"),
    "of jQuery": script("$('#log').text(1); $('<p id=a></p>').show();", JQUERY),
    "more signs": script(
        "document.querySelector('input:checked, .line').b = 1;\n"
        "document.querySelector('[data-a] > p').b = 1;"
    ),
    "another page's": script(
        "document.getElementById('a').b = 1;", "{% include 'elsewhere.html' %}"
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name: str, tmp_path: Path) -> None:
    files, slug, file, line = WRONG[name]
    found = look(tmp_path, files, (STATICFILES,))
    assert found[:1] == [(slug, file, line)]


@pytest.mark.parametrize("name", RIGHT)
def test_what_fits_is_right(name: str, tmp_path: Path) -> None:
    assert look(tmp_path, RIGHT[name], (STATICFILES,)) == []
