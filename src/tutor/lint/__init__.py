"""``make lint``: the rules of the notebook and the documents; style, types, spelling.

A rule is a function over a `Book` that yields what it found: which cell, what, and
how to repair it.  `RULES` is the table of them all; tests show each to bite.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator

from tutor import notebook, places
from tutor.arguments import Arguments
from tutor.lint import cells, course, documents, text
from tutor.lint.book import Book, Finding, Rule, Severity

RULES: tuple[Rule, ...] = (
    *cells.RULES,
    *course.RULES,
    *text.RULES,
    *text.WARNINGS,
)


# A checker by its module, and how it is called over the repository.
TOOLS = {
    "ruff": (["check", "--quiet"], ["format", "--check", "--quiet"]),
    "mypy": (["--no-error-summary"],),
    "codespell_lib": ([],),
}


def check(book: Book, rules: tuple[Rule, ...] = RULES) -> Iterator[Finding]:
    """What the rules find, rule by rule."""
    for rule in rules:
        severity: Severity = "warning" if rule in text.WARNINGS else "error"
        for cell, what, cure in rule(book):
            name = rule.__name__.replace("_", "-")
            yield Finding(name, book.place(cell), what, cure, severity)


def main(argv: list[str]) -> int:
    """The verb: lint the notebook, then the code; 1 if anything is to be mended."""
    parser = Arguments(prog="make lint")
    parser.add_argument(
        "--fix", action="store_true", help="write the notebook in its canonical form"
    )
    parser.add_argument(
        "--notebook", action="store_true", help="only the notebook, for a commit's hook"
    )
    options = parser.parse_args(argv)
    path = places.root() / "tutorial.ipynb"
    if options.fix and notebook.write(path, notebook.read(path)):
        print(f"{path.name}: written in the canonical form")
    content = notebook.read(path)
    found = list(check(Book(path.name, path.read_text(encoding="utf-8"), content)))
    written = [] if options.notebook else list(documents.check(places.root()))
    for finding in written:
        print(finding)
    for finding in sorted(found, key=lambda f: f.severity == "warning"):
        print(finding)
    errors = sum(finding.severity == "error" for finding in found)
    tools = [] if options.notebook else list(TOOLS)
    failed = [tool.removesuffix("_lib") for tool in tools if not _passes(tool)]
    wrong = [f"{errors} to mend in {path.name}"] * bool(errors) + failed
    wrong += [f"{len(written)} to mend in other documents"] * bool(written)
    warned = f"{len(found) - errors} warnings" if len(found) > errors else ""
    print(
        "lint: "
        + ", ".join(filter(None, [*(wrong or ["nothing to mend"]), warned]))
        + ("" if wrong else ". Next: make test")
    )
    return 1 if wrong else 0


def _passes(tool: str) -> bool:
    """Run a checker over the repository; one that isn't installed is left out."""
    if importlib.util.find_spec(tool) is None:
        print(f"{tool} is not installed, and was left out: uv pip install --group lint")
        return True
    return all(
        subprocess.run(
            [sys.executable, "-m", tool, *words], cwd=places.root(), check=False
        ).returncode
        == 0
        for words in TOOLS[tool]
    )
