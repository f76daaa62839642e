"""What may vary, and nothing else: each rule fits what is right and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

from tutor import notebook
from tutor.prove.rules import Rule, apply, load, parse
from tutor.report import Refusal

ROOT = Path(__file__).parent.parent
CFG = ROOT / "tests" / "sanitize.cfg"
RULES = {rule.name: rule for rule in load(CFG)}
NOTE = "   (a number from 0 to 100)"


def text(number: object) -> str:
    return f'← text "{number}"{NOTE}'


def length(byte: str, number: object) -> str:
    return f"← {'81 ' + byte:<18} final frame, text; not masked, length {number}{NOTE}"


def digits(number: object, data: str = "") -> str:
    data = data or " ".join(f"{byte:02x}" for byte in str(number).encode())
    return f'← {data:<18} "{number}"{NOTE}'


def frame(port: object, title: str = "A page; its port varies") -> str:
    return f'<iframe title="{title}" src="http://127.0.0.1:{port}/"></iframe>'


def dot(high: object, kind: str = "measured") -> str:
    return f'<circle class="{kind}" cx="110.3" cy="{high}" r="6" fill="#c2410c"/>'


def label(time: object, high: object = "53.0") -> str:
    return (
        f'<text class="measured" x="456.0" y="{high}" text-anchor="end">{time}</text>'
    )


def slope(high: object, far: object = "460.0", low: object = "48.0") -> str:
    return (
        f'<line class="measured" x1="100.0" y1="{high}" x2="{far}" y2="{low}" '
        'stroke="currentColor"/>'
    )


# For each rule: lines that are right, which must all come to the same; and lines that
# are wrong, which must stay as they are.
RIGHT = {
    "number-in-text": [text(n) for n in range(101)],
    "number-in-frame-length": [length(f"0{n}", n) for n in (1, 2, 3)],
    "number-in-frame-digits": [digits(n) for n in range(101)],
    "port-in-frame": [frame(port) for port in (1024, 8000, 32768, 65535)],
    "seconds-of-django-tests": [
        f"Ran 8 tests in {seconds}s" for seconds in ("0.001", "2.617", "61.042")
    ],
    "seconds-of-pytest": [
        f"8 passed in {seconds}"
        for seconds in ("0.01s", "4.35s", "61.00s (0:01:01)", "3725.10s (1:02:05)")
    ],
    "height-of-a-dot": [dot(high) for high in ("48.0", "99.9", "229.7")],
    "time-at-a-dot": [
        *(label(time) for time in ("0.3 ms", "9.9 ms", "12 ms", "257 ms", "1,421 ms")),
        label("12 ms", "229.7"),
    ],
    "slope-of-a-line": [
        *(slope(high) for high in ("48.0", "229.7")),
        *(slope("200.1", far, "60.1") for far in ("99.0", "460.0")),
    ],
}
WRONG = {
    "number-in-text": [
        *(text(n) for n in (101, 110, 200, 1000, -1, "007", "00", "01", "5.0", "")),
        *(text(n) for n in ("fifty", " 5", "5 ", "٥", "five 5")),
        '← text "57"',
        '← text "57"   (a number)',
        f"← binary 35 37{NOTE}",
        f"{text(57)} and more",
    ],
    "number-in-frame-length": [
        length("00", 0),
        length("04", 4),
        length("02", 3),
        length("12", 2),
        length("02", 2).replace("81", "82"),
        length("02", 2).removesuffix(NOTE),
    ],
    "number-in-frame-digits": [
        *(digits(n) for n in (101, 999, -1, "007", "07", "1e1", "", "5 ")),
        digits(57, "35 38"),
        digits(7, "35 37"),
        digits(100, "31 30 31"),
        digits(57).removesuffix(NOTE),
    ],
    "port-in-frame": [
        *(frame(port) for port in (0, 80, 123456, "", "PORT", "08000")),
        frame(8000, "A page"),
        frame(8000).replace("127.0.0.1", "evil.example"),
        frame(8000).replace("iframe", "img"),
    ],
    "seconds-of-django-tests": [
        *("Ran 8 tests in 1s", "Ran 8 tests in 0.01s", "Ran no tests in 0.001s"),
        *("  Ran 8 tests in 0.001s", "Ran 8 tests in 0.001s or so", "in 0.001s"),
    ],
    "seconds-of-pytest": [
        *("8 passed in 1s", "8 passed in 0.001s", "1 failed, 7 passed in 4.35s"),
        *("8 passed, 1 skipped in 4.35s", "8 passed in 4.35s or so"),
        *("0 passed in 0.10s", "8 passed in 61.00s (1:1)"),
    ],
    "height-of-a-dot": [
        *(dot(high) for high in ("", "0.0", "-9.5", "9.5", "48", "1048.0", "HIGH")),
        *(dot("48.0", kind) for kind in ("", "fixed")),
        dot("48.0").replace("circle", "rect"),
        dot("48.0").replace('r="6"', 'r="60"'),
    ],
    "time-at-a-dot": [
        *(label(time) for time in ("", "12", "12 s", "-12 ms", "1421 ms", "0 ms")),
        *(label("12 ms", high) for high in ("", "-48.0", "48", "1048.0")),
        label("12 ms").replace(' class="measured"', ""),
    ],
    "slope-of-a-line": [
        *(slope(high) for high in ("", "-48.0", "48", "1048.0")),
        *(slope("48.0", far) for far in ("", "-48.0", "48", "1048.0")),
        *(slope("48.0", low=low) for low in ("", "-48.0", "48", "1048.0")),
        slope("48.0").replace(' class="measured"', ""),
    ],
}


def test_each_rule_has_its_lines_here() -> None:
    assert set(RULES) == set(RIGHT) == set(WRONG)


@pytest.mark.parametrize("name", RULES)
def test_right_values_come_to_the_same(name: str) -> None:
    rule = RULES[name]
    (same,) = {rule(line) for line in RIGHT[name]}
    assert same not in RIGHT[name]
    around = f'→ text "57"\n{RIGHT[name][0]}\n← text "57"\n'
    assert rule(around) == f'→ text "57"\n{same}\n← text "57"\n'


@pytest.mark.parametrize(
    ("name", "line"), [(name, line) for name in WRONG for line in WRONG[name]]
)
def test_wrong_values_stay_to_be_seen(name: str, line: str) -> None:
    assert RULES[name](line) == line
    assert apply(RULES.values(), line) == line, "no other rule may take it either"


@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_still_used(name: str) -> None:
    nb = notebook.read(ROOT / "tutorial.ipynb")
    outputs = (out for cell in notebook.code_cells(nb) for out in cell["outputs"])
    lines = [
        text
        for out in outputs
        for text in (out.get("text"), out.get("data", {}).get("text/html"))
        if text
    ]
    assert any(RULES[name](line) != line for line in lines), (
        f"no output of tutorial.ipynb needs {name}: remove it from {CFG.name}"
    )


def test_nbval_would_read_the_same_rules() -> None:
    pairs = [(rule.regex, rule.replace) for rule in RULES.values()]
    assert get_sanitize_patterns(CFG.read_text()) == pairs


def test_a_rule_is_a_name_a_regex_and_a_word() -> None:
    file = "# why\n[a]\nregex: x: y\nreplace: z\n\n[b]\nregex: u\nreplace: v"
    assert parse(file) == (Rule("a", "x: y", "z"), Rule("b", "u", "v"))
    assert apply(parse(file), "x: y u") == "z v"


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("[a]\nregex: x\nreplace:\n", ":3: expected"),
        ("[a]\nregex: x\nreplace: \n", ":3: expected"),
        ("[a]\nregex:x\nreplace: y\n", ":2: expected"),
        ("[a]\nreplace: y\n", ":2: expected"),
        ("[a]\nregex: x\nregex: x\n", ":3: expected"),
        ("regex: x\nreplace: y\n", ":1: expected"),
        ("[a]\nregex: (\nreplace: y\n", ":2: not a regular expression"),
        ("[a]\nregex: x\nreplace: y\n[a]\n", ":4: a second rule a"),
        ("[a]\n[b]\n", ":2: the rule a above"),
        ("[a]\nregex: x\n", "the rule a is not complete"),
        ("[a]\nregex: x\nreplace: y\nregex: x\n", ":4: expected"),
        ("some words\n", ":1: expected"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_line(file: str, line: str) -> None:
    with pytest.raises(Refusal, match=r"^f\.cfg") as refused:
        parse(file, "f.cfg")
    assert line in str(refused.value)
