"""What no browser can read, and names that nobody made: scripts as syntax trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import grammar, unbound
from tutor.doctor.slipped import is_slip
from tutor.doctor.source import Source

PAGE = "app/templates/page.html"
LIVE, DRAW = "app/static/app/live.js", "app/static/app/draw.js"
LOADS = (
    "<p id=chart></p><script type=module src=\"{% static 'app/live.js' %}\"></script>"
)
FROM = "import { draw } from './draw.js';\n"
DRAWS = "export function draw(values) { console.log(values); }\n"
KEPT, OWN = "app/static/app/own.js", "export class Socket {}\n"
KEEPS = """class Live {
  constructor() { this.socket = new WebSocket('/ws/'); this.losses = 0; }
  close() { this.socket.close(); }
  lose() { %s }
}
export const live = new Live();
"""
UNREADABLE, NOT_THERE = "client-script-not-readable", "client-name-not-there"
MISSPELLED, NEVER_SET = "client-name-misspelled", "client-property-never-set"


def look(tmp_path: Path, files: dict[str, str]) -> list[tuple[str | None, str, int]]:
    """What is found in a project whose pages and scripts these are."""
    for name, text in {PAGE: LOADS, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    folders = [
        {"kind": "templates", "folders": ["app/templates"]},
        {"kind": "static", "folders": ["app/static"]},
    ]
    source = Source(tmp_path, tmp_path)
    seen = Evidence(tmp_path, tmp_path, Told(folders), source)
    found = [*grammar.rules(seen), *unbound.rules(seen)]
    return [(one.slug, str(one.place[0]), one.place[1] or 0) for one in found]


WRONG = {
    "a bracket is missing": ({LIVE: "f(1;\n"}, UNREADABLE, LIVE, 1),
    "a word that is none": ({LIVE: FROM.replace("from", "form")}, UNREADABLE, LIVE, 1),
    "in the page": ({PAGE: "<script>\nlet a = {;\n</script>"}, UNREADABLE, PAGE, 2),
    "no import": ({LIVE: "\ndraw(1);\nexport {};\n", DRAW: DRAWS}, NOT_THERE, LIVE, 2),
    "nobody imports it": (
        {LIVE: FROM + "draw(new Socket());\n", DRAW: DRAWS, KEPT: OWN},
        NOT_THERE, LIVE, 2,
    ),
    "no constant": ({LIVE: "const a = LONGEST * 2;\n"}, NOT_THERE, LIVE, 1),
    "no variable": ({LIVE: "const a = count + 1;\n"}, NOT_THERE, LIVE, 1),
    "a slip": ({LIVE: "const a = Maths.random();\n"}, MISSPELLED, LIVE, 1),
    "in another style": (
        {LIVE: "alert(gameCode);", PAGE: LOADS + "<script>var game_code = 1;</script>"},
        MISSPELLED, LIVE, 1,
    ),
    "of this": ({LIVE: KEEPS % "thsi.losses += 1;"}, MISSPELLED, LIVE, 4),
    "of a property": ({LIVE: KEEPS % "this.scoket.close();"}, MISSPELLED, LIVE, 4),
    "never set": ({LIVE: KEEPS % "this.url.port = 1;"}, NEVER_SET, LIVE, 4),
    "in a page": ({PAGE: "<script>docment.title = 1</script>"}, MISSPELLED, PAGE, 1),
}  # fmt: skip
RIGHT = {
    "imported": {LIVE: FROM + "draw([1]);\n", DRAW: DRAWS},
    "of the window": {LIVE: "window.draw = 1;\ndraw;\nnew Notification('a');\n"},
    "an element": {LIVE: "chart.textContent = 1;\n"},
    "asked after": {LIVE: "if (typeof gettext === 'undefined') {}\n"},
    "a library": {
        LIVE: "moment.now();\n",
        PAGE: LOADS + '<script src="https://a.example/moment.js"></script>',
    },
    "all the forms": {
        LIVE: "const { a, b: [c, ...d], e = 1 } = {};\nfor (const f of d) {}\n"
        "try { a; } catch (g) { g; }\nconst h = (i, { j }) => i + j + c + e;\n"
        "class K { #l = 1; static m() {} n() { return this.#l; } }\n"
        "export default async function* o() { yield* [K, h]; }\nlabel: for (;;) {}\n"
        "const p = `${a?.b ?? c}`;\nfunction q() { return arguments.length; }\n"
    },
    "filled by Django": {PAGE: "<script>const a = {{ data|safe }};</script>"},
    "chosen by Django": {
        PAGE: "<script>{% if a %}f({% else %}g({% endif %}1);</script>"
    },
    "another's file": {"app/static/admin/js/urlify.js": "XRegExp('a');\n"},
    "built elsewhere": {LIVE: KEEPS % "this.sockets = 1;"},
    "a class of another": {
        LIVE: "class B {}\nclass A extends B { a() { this.remote = this.remove; } }"
    },
    "set by another": {LIVE: KEEPS % "this.url.port = 1;" + "live.url = {};"},
    "an element's own": {
        LIVE: KEEPS % "this.socket.onopen = function () { this.url.port = 1; };"
    },
    "deeper": {LIVE: KEEPS % "this.socket.url.port.length;"},
    "perhaps set": {LIVE: KEEPS % "this.url?.close();"},
    "set by its name": {LIVE: KEEPS % "this['a'] = 1; this.a.b;"},
    "a comment": {PAGE: "<!-- <script> let a = {; </script> -->"},
    "data": {PAGE: '<script type="application/json">{"a": </script>'},
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    files, slug, file, line = WRONG[name]
    assert look(tmp_path, files) == [(slug, file, line)]


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_what_is_right(name: str, tmp_path: Path) -> None:
    files = {LIVE: "", **RIGHT[name]}
    found = look(tmp_path, files)
    assert found == []


@pytest.mark.parametrize(
    ("word", "meant", "is_one"),
    [
        ("scoket", "socket", True),
        ("sockets", "socket", True),
        ("docment", "document", True),
        ("dacument", "document", True),
        ("Socket", "socket", False),
        ("socket", "socket", False),
        ("stekco", "socket", False),
        ("sock", "socket", False),
    ],
)
def test_a_slip_is_one_letter_or_two_that_changed_places(
    word: str, meant: str, is_one: bool
) -> None:
    assert is_slip(word, meant) is is_one
