"""The rules of lint: each shown to bite, and all to be silent on what is good."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tutor import lint, notebook
from tutor.lint import prose
from tutor.lint.book import Book, Rule

from .conftest import book, code, printed, shown, text

ROOT = Path(__file__).parent.parent
HINTS = ["Who asks?", "Look at the first line.", "It is Django."]
WORDS = "The server answers the knock, and we read what it says. " * 18


def good() -> dict[str, Any]:
    """A notebook without fault, one step long."""
    figure = '<figure><svg role="img" aria-label="a line"><g/></svg></figure>'
    nb = book(
        text("# A door\n\nSee [the door](#Step-1.-The-door).", section="prologue"),
        code("import tutor", metadata={"tags": ["setup"]}),
        text(
            f"## Step 1. The door\n\n{WORDS}\n\n![a door](https://example.org/a.png)",
            step=1,
            slug="the-door",
            minutes=15,
            label="broken on purpose",
            error="500",
        ),
        code("%step 1", printed("Step 1: 15 minutes\n")),
        code("%%write webapp/urls.py\nimport webapp\n", printed("written\n")),
        code("%%edit webapp/urls.py\n import webapp\n+x = 1\n", printed("+1\n")),
        code("%%project\nimport webapp\nprint(1)", printed("1\n")),
        code("%sh --fails python manage.py check", printed("no\n")),
        code("import json\nawait tutor.knock('/')", printed("← 404\n")),
        code("chart()", shown("text/html", figure)),
        code(
            "time.time()",
            printed("1\n"),
            metadata={
                "tags": ["nbval-ignore-output"],
                "tutor": {"reason": "the time is another at each run"},
            },
        ),
        code("%checkpoint 1", printed("✓\n")),
        text(
            "### Your turn\n\n<details><summary>Why so?</summary>\n\nSo.\n\n</details>"
        ),
        code("%exercise 1"),
        code(
            "%%answer 1\nwho = ...",
            printed("Not yet\n"),
            metadata={"tags": ["answer"], "tutor": {"hints": HINTS}},
        ),
        code(
            "%%answer 1\nwho = 'Django'",
            printed("Right\n"),
            metadata={"tags": ["solution"], "jupyter": {"source_hidden": True}},
        ),
        text("## The notes, line by line", section="notes"),
    )
    return notebook.canonical(nb)


def found_by(rule: Rule, nb: dict[str, Any], raw: str | None = None) -> list[str]:
    opened = Book("x.ipynb", raw or notebook.dump(nb), nb)
    return [str(finding) for finding in lint.check(opened, (rule,))]


Change = Callable[[list[dict[str, Any]]], object]


def source(number: int, words: str) -> Change:
    return lambda cells: cells[number].update(source=words)


def more(number: int, words: str) -> Change:
    return lambda cells: cells[number].update(source=cells[number]["source"] + words)


def meta(number: int, **changes: Any) -> Change:
    """Change metadata.tutor; None removes a key."""

    def change(cells: list[dict[str, Any]]) -> None:
        own = cells[number]["metadata"].setdefault("tutor", {})
        own.update(changes)
        for key in [key for key, value in own.items() if value is None]:
            del own[key]

    return change


def tagged(number: int, *tags: str) -> Change:
    return lambda cells: cells[number]["metadata"].update(tags=list(tags))


def outputs(number: int, *outs: dict[str, Any]) -> Change:
    return lambda cells: cells[number].update(outputs=list(outs))


def html(words: str) -> Change:
    return outputs(9, shown("text/html", words))


def drop(number: int) -> Change:
    return lambda cells: cells.pop(number)


def again(number: int) -> Change:
    """The same step once more, below."""
    return lambda cells: cells.extend(copy.deepcopy(cells[number:16]))


ERROR = {"output_type": "error", "ename": "KeyError", "evalue": "1", "traceback": []}
LONG = "one two three four five six seven eight nine ten " * 3

# For each rule: changes that make it bite, with a word of what it then says.
BITES: dict[str, list[tuple[Change, str]]] = {
    "canonical_form": [(lambda cells: None, "not in the canonical form")],
    "counts": [
        (
            lambda cells: cells[3].update(execution_count=None),
            "count None, as code cell 2",
        ),
        (lambda cells: cells[3].update(execution_count=9), "count 9, as code cell 2"),
    ],
    "no_stored_failures": [
        (outputs(8, ERROR), "the error KeyError"),
        (outputs(10, printed("oh", "stderr")), "stderr"),
    ],
    "known_words": [
        (source(8, "!ls"), "escapes to a shell: !ls"),
        (source(8, "x = !ls"), "escapes to a shell: !ls"),
        (source(8, "if x:\n    !ls"), "escapes to a shell: !ls"),
        (source(8, "%%writefile a.py\nx"), "%writefile"),
        (source(8, "%%bash\nls"), "%bash"),
        (source(8, "%pip install x"), "%pip"),
        (source(8, "%%sh\nls"), "%sh"),
        (source(8, "get_ipython().system('ls')"), "uses get_ipython"),
    ],
    "kernel_stays_clean": [
        (source(8, "import webapp.settings"), "imports webapp.settings into"),
        (source(8, "from master_app import x"), "imports master_app into"),
        (source(8, "import json, webapp as w"), "imports webapp into"),
        (source(8, "await f()\ndef g():\n    import webapp"), "imports webapp into"),
        (
            source(8, "import importlib as i\ni.import_module('webapp.asgi')"),
            "webapp.asgi",
        ),
    ],
    "is_python": [(source(8, "if"), "is no Python")],
    "tags": [(tagged(8, "skip"), "the tag skip"), (tagged(2, "setup"), "no code cell")],
    "setup_cell": [
        (drop(1), "0 setup cells"),
        (source(1, "import tutor, os"), "not one `import tutor`"),
        (tagged(8, "setup"), "2 setup cells"),
        (lambda cells: cells.insert(5, cells.pop(1)), "not the first"),
    ],
    "exemptions": [
        (meta(10, reason=None), "does not say why"),
        (meta(10, reason=" "), "does not say why"),
        (meta(8, reason="x"), "and is"),
        (more(8, "\n# NBVAL_IGNORE_OUTPUT"), "comment for nbval"),
    ],
    "short_cells": [
        (more(4, "x = 1\n" * 29), "31 lines"),
        (more(5, "+y = 1\n" * 20), "adds 21 lines"),
    ],
    "short_lines": [
        (more(4, "x" * 80), "80 columns"),
        (more(5, "+" + "x" * 80), "80 columns"),
        (more(8, "x" * 89), "columns"),
    ],
    "outputs_present": [(outputs(3), "no output under %step")],
    "outputs_small": [
        (outputs(8, printed("x\n" * 61)), "61 lines"),
        (html("x" * 60_001), "60,001 characters"),
        (more(0, "x" * 60_000), "for 1 steps"),
    ],
    "metadata_schema": [
        (meta(2, slug=None), "slug is missing"),
        (meta(2, minutes="5"), "minutes is no int: '5'"),
        (meta(2, step=True), "step is no int: True"),
        (meta(2, label="good"), "the label good"),
        (meta(2, error=None), "error is missing"),
        (meta(2, label="works"), "error is not known"),
        (meta(2, error=""), "error is no str"),
        (meta(2, minutes=31), "takes 31 minutes"),
        (meta(2, minutes=0), "takes 0 minutes"),
        (meta(2, slug="The_Door"), "the slug The_Door"),
        (meta(2, title="x"), "title is not known"),
        (meta(2, speaker=""), "speaker is no str"),
        (meta(2, demo=["x"]), "demo is no str"),
        (meta(2, demo="x " * 61), "61 words in demo"),
        (meta(0, demo="x"), "demo is not known"),
        (meta(8, note="x"), "has metadata.tutor {'note': 'x'}"),
        (meta(8, section="x"), "a code cell with a heading's"),
    ],
    "headings": [
        (source(2, "## Step 2. The door"), "no heading `## Step 1. Title`"),
        (source(2, "## The door"), "no heading `## Step 1. Title`"),
        (source(2, "### Step 1. The door"), "no heading `## Step 1. Title`"),
        (again(2), "the slug the-door of step 1"),
        (again(2), "is step 1, and the 2. in order"),
        (source(16, "## Step 2. More"), "heading without metadata.tutor"),
    ],
    "frames": [
        (drop(3), "does not begin with a cell %step 1"),
        (drop(11), "no cell %checkpoint 1"),
        (source(3, "%step 2"), "says step 2 in step 1"),
        (source(13, "%exercise 2"), "says exercise 2 in step 1"),
        (source(15, "%%answer 3\n1"), "says answer 3 in step 1"),
        (lambda cells: cells.append(cells.pop(11)), "says checkpoint 1 in step None"),
    ],
    "exercises": [
        (lambda cells: cells.__delitem__(slice(14, 16)), "has no exercise"),
        (meta(14, hints=HINTS[:2]), "has 2 hints"),
        (meta(14, hints=[*HINTS[:2], ""]), "has 3 hints"),
        (source(14, "%%answer 1\nwho = 1"), "no %%answer with a ..."),
        (drop(15), "not followed by a solution"),
        (meta(8, hints=HINTS), "hints and no tag answer"),
        (lambda cells: cells[15]["metadata"].pop("jupyter"), "not folded"),
        (source(15, "%%answer 1\nwho = ..."), "no complete %%answer"),
    ],
    "weasel_words": [
        (more(0, f" We {word} go."), f'says "{word}"')
        for word in ("just", "simply", "obviously", "easily", "probably", "Just")
    ]
    + [
        (more(0, "\n\n<details>\n\nThat is easy.\n\n</details>"), 'says "easy"'),
        (more(0, "\n\n- an item\n- another, just so"), 'says "just"'),
    ],
    "short_sentences": [
        (more(0, f"\n\n{LONG} and end."), "a sentence of 32 words"),
        (more(0, f"\n\n- short\n- {LONG} *end*."), "a sentence of 31 words"),
        (more(0, f"\n\n{LONG} `two words`."), "a sentence of 31 words"),
    ],
    "step_length": [
        (source(2, "## Step 1. The door\n\nToo short."), "has 2 words"),
        (more(2, WORDS), "words of main text"),
    ],
    "pictures_speak": [
        (more(0, " ![](https://example.org/a.png)"), "without words: https"),
        (more(0, ' <img src="a.png">'), "a <img> without words"),
        (html("<svg><g/></svg>"), "a <svg> without words"),
        (html('<svg aria-label="x"></svg>'), "a <svg> without words"),
        (html('<iframe src="x"></iframe>'), "a <iframe> without words"),
        (html('<img alt="" src="x">'), "a <img> without words"),
        (html("<svg><title>a</title></svg><svg></svg>"), "a <svg> without words"),
        (html("<svg></svg><title>a</title>"), "a <svg> without words"),
        (html("<canvas></canvas>"), "a <canvas> without words"),
        (outputs(9, shown("image/png", "aa")), "shows image/png"),
        (outputs(9, shown("image/svg+xml", "<svg/>")), "shows image/svg+xml"),
    ],
    "links_lead_somewhere": [
        (more(0, " [x](#Step-9.)"), "leads to #Step-9., which is no heading"),
        (more(0, " [x](steps/01)"), 'from "x" to the file steps/01'),
        (more(0, " [x](README.md#y)"), "the file README.md#y"),
    ],
}


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_each_rule_is_silent_on_a_good_notebook(rule: Rule) -> None:
    assert found_by(rule, good()) == []


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_each_rule_bites(rule: Rule) -> None:
    assert BITES.get(rule.__name__), "give the rule an example that makes it bite"
    for number, (change, said) in enumerate(BITES[rule.__name__]):
        nb = good()
        change(nb["cells"])
        raw = " " if rule.__name__ == "canonical_form" else None
        findings = found_by(rule, nb, raw)
        assert any(said in finding for finding in findings), (number, said, findings)


def test_no_example_is_left_without_its_rule() -> None:
    assert set(BITES) == {rule.__name__ for rule in lint.RULES}


def project(lines: int) -> Change:
    """An exercise that is a project of the learner's own, and a folded file of it."""

    def change(cells: list[dict[str, Any]]) -> None:
        cells[14].update(source="%referee")
        cells[15].update(source="%%write a.py\n" + "x = 1\n" * lines)

    return change


# What no rule may take amiss.
FINE: list[tuple[str, Change]] = [
    ("known_words", source(8, "# !ls\nx = '''\n!ls\n'''\nx != 1")),
    ("known_words", source(4, "%%write a.js\n!function(){}\n%nonsense\n")),
    ("kernel_stays_clean", source(8, "import webapplication\nx = 'import webapp'")),
    ("kernel_stays_clean", source(15, "%%answer 1\nimport webapp")),  # in a child
    ("short_lines", more(5, " " + "x" * 200)),
    ("weasel_words", more(0, ' It says "just now".\n\n> easy\n\n`just` it, justly')),
    ("weasel_words", more(0, "\n\n```\njust code\n```\n")),
    ("short_sentences", more(0, f"\n\n{'| ' + LONG + ' |'}\n\n{LONG[:60]}. {LONG}")),
    ("pictures_speak", more(0, " `<img>` and\n\n```html\n<svg></svg>\n```\n")),
    ("pictures_speak", html('<svg aria-hidden="true"></svg>')),
    ("pictures_speak", html("<svg><title>a door</title><g/></svg>")),
    ("pictures_speak", html('<iframe title="a page"></iframe>')),
    ("links_lead_somewhere", more(0, ' <a id="x"></a> [x](#x) [y](https://y.org)')),
    ("links_lead_somewhere", more(0, " `[x](y)` and\n\n```\n[x](y)\n```\n")),
    ("outputs_present", outputs(8)),
    ("exercises", project(10)),
    ("short_cells", project(90)),
    ("metadata_schema", meta(2, speaker="Ask who is there.", demo="Knock.")),
]


@pytest.mark.parametrize(("name", "change"), FINE)
def test_no_rule_bites_what_is_fine(name: str, change: Change) -> None:
    nb = good()
    change(nb["cells"])
    rule = next(rule for rule in lint.RULES if rule.__name__ == name)
    assert found_by(rule, nb) == []


def test_a_finding_says_where_what_and_how_to_repair() -> None:
    nb = good()
    nb["cells"][8]["source"] = "!ls"
    (finding,) = lint.check(
        Book("tutorial.ipynb", notebook.dump(nb), nb), (lint.cells.known_words,)
    )
    assert str(finding) == (
        f"tutorial.ipynb, cell 9 ({nb['cells'][8]['id']}): "
        "escapes to a shell: !ls [known-words]\n    Use %sh, which can fail"
    )


def test_folded_words_are_counted_apart() -> None:
    cell = (
        "a b\n\n<details><summary>Why?</summary>\n\nc d\n\n- e\n\n</details>\n\nf *g*."
    )
    main = [p.text for p in prose.paragraphs(cell) if not p.folded]
    folded = [p.text for p in prose.paragraphs(cell) if p.folded]
    assert main == ["a b", "f g."]
    assert folded == ["Why?", "c d", "e"]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that lint takes for the repository, without ruff and mypy."""
    monkeypatch.setenv("TUTOR_ROOT", str(tmp_path))
    monkeypatch.setattr(lint, "_passes", lambda tool: True)
    return tmp_path


def test_the_verb_says_what_to_mend(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nb = good()
    nb["cells"][2]["source"] = "## Step 1. The door\n\nJust short."
    path = course / "tutorial.ipynb"
    path.write_text(notebook.dump(nb) + "\n")
    assert lint.main([]) == 1
    out = capsys.readouterr().out
    assert "not in the canonical form" in out and "make lint ARGS=--fix" in out
    assert out.splitlines()[-1] == "lint: 2 to mend in tutorial.ipynb, 1 warnings"
    assert lint.main(["--fix"]) == 1
    assert path.read_text() == notebook.dump(nb)
    assert "lint: 1 to mend" in capsys.readouterr().out


def test_the_verb_passes_with_warnings_and_says_what_next(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nb = good()
    nb["cells"][2]["source"] = "## Step 1. The door\n\nShort."
    (course / "tutorial.ipynb").write_text(notebook.dump(nb))
    assert lint.main([]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "lint: nothing to mend, 1 warnings. Next: make test"


def test_a_checker_that_fails_fails_lint(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "tutorial.ipynb").write_text(notebook.dump(good()))
    monkeypatch.setattr(lint, "_passes", lambda tool: tool != "mypy")
    assert lint.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "lint: mypy"


def test_a_commits_hook_asks_for_the_notebook_only(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course / "tutorial.ipynb").write_text(notebook.dump(good()))
    monkeypatch.setattr(lint, "_passes", lambda tool: False)
    assert lint.main([]) == 1
    assert lint.main(["--notebook"]) == 0


# A document, and a word of what is found in it; empty where it is fine.
DOCUMENTS = [
    ("[x](src)\n[y](other.md#Who-is-there)", "leads to other.md#Who-is-there"),
    ("one\n\n[x](gone.md)", "README.md:3: leads to gone.md, which is not there"),
    ("[x](#nowhere)", "leads to #nowhere"),
    ("![a door](gone.png)", "leads to gone.png"),
    ("![](door.png)", "README.md:1: has a picture without words: door.png"),
    ('<img src="door.png">', "has a <img> without words"),
    ("# A door\n[x](#a-door) [y](other.md#who-is-there) [z](https://y.org/z)", ""),
    ("`[x](gone)`\n\n```\n[x](gone) ![](gone)\n```\n![a door](door.png)", ""),
    ('<img alt="a door" src="door.png">', ""),
]


@pytest.mark.parametrize(("words", "said"), DOCUMENTS)
def test_the_rules_for_documents(tmp_path: Path, words: str, said: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "door.png").touch()
    (tmp_path / "other.md").write_text("## Who is there?\n")
    (tmp_path / "README.md").write_text(words)
    found = "\n".join(map(str, lint.documents.check(tmp_path)))
    assert said in found if said else found == "", found


def test_our_own_documents_keep_the_rules() -> None:
    assert list(map(str, lint.documents.check(ROOT))) == []


def test_a_dead_link_in_a_document_fails_lint(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (course / "tutorial.ipynb").write_text(notebook.dump(good()))
    (course / "README.md").write_text("[x](gone)")
    assert lint.main(["--notebook"]) == 0
    assert lint.main([]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "lint: 1 to mend in other documents"


def test_our_own_notebook_keeps_the_rules() -> None:
    path = ROOT / "tutorial.ipynb"
    opened = Book(path.name, path.read_text(encoding="utf-8"), notebook.read(path))
    errors = [str(f) for f in lint.check(opened) if f.severity == "error"]
    if errors:
        pytest.fail(
            "\n".join([*errors[:10], f"{len(errors)} in all: make lint"]), False
        )
