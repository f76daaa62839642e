"""Rules about code cells: what they may run, and what is stored under them."""

from __future__ import annotations

import ast
import re

from tutor import notebook
from tutor.lint.book import Book, Cell, Found

TAGS = ("answer", "nbval-ignore-output", "setup", "solution")
LINE_MAGICS = (
    *("step", "checkpoint", "exercise", "hint", "check"),
    *("remove", "move", "mend", "tree", "sh", "serve", "start", "stop"),
    *("log", "redis", "nginx", "referee", "reference"),
)
CELL_MAGICS = ("write", "edit", "project", "answer", "system")
PRINTING = ("%step", "%checkpoint", "%%write", "%%edit", "%serve", "%log", "%%answer")
PROJECT = ("webapp", "master_app", "manage")

CELL_LINES = 30
FILE_LINES = 110  # a whole file that is folded
NEW_LINES = 20
FILE_COLUMNS = 79  # what goes into a project's files
CELL_COLUMNS = 88
OUTPUT_LINES = 60
OUTPUT_CHARACTERS = 60_000  # a picture as SVG
BYTES_PER_STEP = 1_000_000 // 18


def canonical_form(book: Book) -> Found:
    if book.text != notebook.dump(book.content):
        yield None, "is not in the canonical form", "Run: make lint ARGS=--fix"


def counts(book: Book) -> Found:
    for number, cell in enumerate(book.code, start=1):
        count = cell.content.get("execution_count")
        if count != number:
            yield (
                cell,
                f"has the execution count {count}, as code cell {number}",
                "Run: make checkpoints (nbval compares nothing where it is null)",
            )


def no_stored_failures(book: Book) -> Found:
    for cell in book.code:
        for out in cell.outputs:
            if out["output_type"] == "error":
                yield (
                    cell,
                    f"stores the error {out.get('ename')}",
                    "Let what fails on purpose run in a child: %sh --fails, %%project",
                )
            elif out.get("name") == "stderr":
                yield (
                    cell,
                    "stores a stderr stream",
                    "Mend the warning, or run it in a child; outputs are stdout",
                )


def known_words(book: Book) -> Found:
    cure = f"There are %{', %'.join(LINE_MAGICS)}; %%{', %%'.join(CELL_MAGICS)}"
    for cell in book.code:
        for call in _calls(cell):
            name = _string(call)
            known = {"run_line_magic": LINE_MAGICS, "run_cell_magic": CELL_MAGICS}
            sort = getattr(call.func, "attr", "")
            if sort in ("system", "getoutput"):
                yield cell, f"escapes to a shell: !{name}", "Use %sh, which can fail"
            elif sort in known and name not in known[sort]:
                yield cell, f"uses the magic %{name}", cure
        if re.search(r"\bget_ipython\b", cell.source):
            yield cell, "uses get_ipython", cure


def kernel_stays_clean(book: Book) -> Found:
    cure = "The kernel never imports the project: use %%project, a fresh process"
    for cell in book.code:
        for node in ast.walk(cell.tree) if _runs_here(cell) and cell.tree else ():
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func).rpartition(".")[2]
                if called in ("import_module", "__import__", "run_module", "run_path"):
                    names = [_string(node).replace("/", ".").removesuffix(".py")]
            for name in names:
                if name.split(".")[0] in PROJECT:
                    yield cell, f"imports {name} into the kernel", cure


def is_python(book: Book) -> Found:
    for cell in book.code:
        if cell.magic.startswith("%%") or cell.tree is not None:
            continue
        yield cell, "is no Python", "Mend its syntax, or use one of the %% words"


def tags(book: Book) -> Found:
    for cell in book.cells:
        for tag in cell.tags:
            if tag not in TAGS:
                yield cell, f"has the tag {tag}", f"There are {', '.join(TAGS)}"
            elif not cell.is_code:
                yield cell, f"has the tag {tag}, and is no code cell", "Remove it"


def setup_cell(book: Book) -> Found:
    found = [cell for cell in book.code if "setup" in cell.tags]
    if [cell.source.strip() for cell in found] != ["import tutor"]:
        yield (
            found[0] if found else None,
            f"has {len(found)} setup cells that are not one `import tutor`",
            "Every checkpoint begins with it: one code cell, tagged setup",
        )
    elif found[0] is not book.code[0]:
        yield found[0], "is the setup cell, and not the first", "Move it up"


def exemptions(book: Book) -> Found:
    for cell in book.code:
        ignored = "nbval-ignore-output" in cell.tags
        reason = cell.tutor.get("reason")
        if ignored and not (isinstance(reason, str) and reason.strip()):
            yield (
                cell,
                "is not compared, and does not say why",
                "Give metadata.tutor a reason, or remove the tag",
            )
        if reason is not None and not ignored:
            yield (
                cell,
                "has a reason not to be compared, and is",
                "Remove the reason, or tag it nbval-ignore-output",
            )
        if re.search(r"^\s*#.*NBVAL_", cell.source, re.MULTILINE):
            yield cell, "has a comment for nbval", "Use the tag; learners read this"


def short_cells(book: Book) -> Found:
    for cell in book.code:
        lines = cell.source.splitlines()
        folded = cell.magic == "%%write" and "solution" in cell.tags
        most = FILE_LINES if folded else CELL_LINES
        if len(lines) > most:
            yield cell, f"has {len(lines)} lines", f"At most {most}: cut it in two"
        new = [line for line in lines[1:] if line.startswith("+")]
        if cell.magic == "%%edit" and len(new) > NEW_LINES:
            yield cell, f"adds {len(new)} lines", f"At most {NEW_LINES}: cut it in two"


def short_lines(book: Book) -> Found:
    for cell in book.code:
        edit = cell.magic == "%%edit"
        most = FILE_COLUMNS if cell.magic in ("%%write", "%%edit") else CELL_COLUMNS
        for line in cell.source.splitlines():
            columns = len(line) - edit
            if columns > most and not (edit and line[:1] in " -"):
                yield cell, f"has a line of {columns} columns", f"At most {most}"


def outputs_present(book: Book) -> Found:
    for cell in book.code:
        if cell.magic in PRINTING and not cell.outputs:
            yield cell, f"has no output under {cell.magic}", "Run: make checkpoints"


def outputs_small(book: Book) -> Found:
    for cell in book.code:
        for out in cell.outputs:
            texts = (
                [out["text"]] if "text" in out else list(out.get("data", {}).values())
            )
            for text in (t for t in texts if isinstance(t, str)):
                if "text" in out and len(text.splitlines()) > OUTPUT_LINES:
                    yield (
                        cell,
                        f"prints {len(text.splitlines())} lines",
                        f"At most {OUTPUT_LINES}: show the part that matters",
                    )
                if len(text) > OUTPUT_CHARACTERS:
                    yield (
                        cell,
                        f"has an output of {len(text):,} characters",
                        f"At most {OUTPUT_CHARACTERS:,}: draw it smaller",
                    )
    size, budget = len(book.text.encode()), BYTES_PER_STEP * max(1, len(book.headings))
    if size > budget:
        yield (
            None,
            f"has {size:,} bytes for {len(book.headings)} steps",
            f"At most {budget:,}, so that eighteen steps stay below 1 MB",
        )


def _runs_here(cell: Cell) -> bool:
    """Whether it runs in the kernel; files, and answers to exercises, do not."""
    return not cell.magic.startswith("%%")


def _calls(cell: Cell) -> list[ast.Call]:
    """The calls that IPython makes of a cell's magics and shell escapes."""
    return [
        node
        for node in (ast.walk(cell.tree) if cell.tree else ())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "get_ipython()"
    ]


def _string(call: ast.Call) -> str:
    """A call's first argument, if it is a text."""
    first = call.args[0] if call.args else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


RULES = (
    canonical_form,
    counts,
    no_stored_failures,
    known_words,
    kernel_stays_clean,
    is_python,
    tags,
    setup_cell,
    exemptions,
    short_cells,
    short_lines,
    outputs_present,
    outputs_small,
)
