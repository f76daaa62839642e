"""The course to hand out: one page that needs nothing else, and a notebook.

``make html`` lets nbconvert write the page by the template in ``page/``: styles
inside, no script, no address that a browser would fetch.  ``make handout`` writes
the notebook as a learner first opens it, without what gives the exercises away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tutor import notebook, places
from tutor.arguments import Arguments
from tutor.course import Course, Step, title
from tutor.merge import copy_for_learner
from tutor.report import Refusal

TEMPLATE = Path(__file__).with_name("page")
PAGE = Path("build/course.html")
HANDOUT = Path("build/handout.ipynb")
LIGHT, DARK = "default", "github-dark"  # Pygments' styles
FOLDED = "One solution is folded below."
NAMING = ("%%write", "%%edit", "%%system")  # a file's name follows
IPYTHON = {"name": "python", "pygments_lexer": "ipython3"}
GIVES_AWAY = ("hints", "speaker", "demo")


def html(argv: list[str]) -> int:
    """``make html``: the whole course as one page."""
    course = _course(argv, "html")
    path = course.root / PAGE
    _write(path, page(course))
    size = path.stat().st_size / 1000
    print(
        f"Wrote {PAGE} ({size:,.0f} kB): one page that fetches nothing, in light "
        "and dark.\nNext: open it in a browser, or print it from there."
    )
    return 0


def handout(argv: list[str]) -> int:
    """``make handout``: the notebook without its solutions."""
    course = _course(argv, "handout")
    content = without_solutions(course.content)
    _write(course.root / HANDOUT, notebook.dump(content))
    gone = len(course.content["cells"]) - len(content["cells"])
    print(
        f"Wrote {HANDOUT}: {gone} cells with solutions are out, all hints, too.\n"
        "Next: copy it into workspace/, and open it in the JupyterLab of make lab."
    )
    return 0


def page(course: Course) -> str:
    """The course as HTML."""
    from nbconvert import HTMLExporter
    from nbformat import from_dict

    exporter = HTMLExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
    )
    cells = [_inked(_still(cell)) for cell in course.content["cells"]]
    # Only with this lexer may a cell be in another language.
    metadata = {**course.content["metadata"], "language_info": IPYTHON}
    content = {**course.content, "cells": cells, "metadata": metadata}
    resources = {
        "title": title(course.content["cells"][0]),
        "style": style(),
        "contents": list(_contents(course)),
    }
    text, _ = exporter.from_notebook_node(from_dict(content), resources)
    return str(text)


def style() -> str:
    """Our own style and Pygments' two."""
    from pygments.formatters import HtmlFormatter

    own = (TEMPLATE / "page.css").read_text(encoding="utf-8")
    light, dark = (
        HtmlFormatter(style=name).get_style_defs(".highlight").splitlines()
        for name in (LIGHT, DARK)
    )
    # Only the letters' colours: the ground is the page's own.
    ours = [
        [line for line in lines if re.match(r"\.highlight \.\w+ ", line)]
        for lines in (light, dark)
    ]
    screens = ("all", "screen and (prefers-color-scheme: dark)")
    return own + "".join(
        f"@media {screen} {{\n" + "\n".join(lines) + "\n}\n"
        for screen, lines in zip(screens, ours, strict=True)
    )


def without_solutions(content: dict[str, Any]) -> dict[str, Any]:
    """A notebook as a learner first opens it, but for what gives exercises away."""
    cells = [
        _discreet(cell)
        for cell in copy_for_learner(content)["cells"]
        if "solution" not in notebook.tags(cell)
        and not cell["source"].startswith(FOLDED)
    ]
    return {**content, "cells": cells}


def _discreet(cell: dict[str, Any]) -> dict[str, Any]:
    own = {k: v for k, v in notebook.tutor(cell).items() if k not in GIVES_AWAY}
    rest = {k: v for k, v in cell["metadata"].items() if k != "tutor"}
    return {**cell, "metadata": rest | ({"tutor": own} if own else {})}


def _still(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell whose frames, to servers long gone, are replaced by their words."""
    if cell["cell_type"] != "code":
        return cell
    outputs = []
    for out in cell["outputs"]:
        data = out.get("data", {})
        if "<iframe" in data.get("text/html", ""):
            out = {**out, "data": {k: v for k, v in data.items() if k != "text/html"}}
        outputs.append(out)
    return {**cell, "outputs": outputs}


def _inked(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell with a magic before it, in the language of what follows."""
    if cell["cell_type"] != "code" or not cell["source"].startswith("%%"):
        return cell
    language = _language(cell["source"])
    return {**cell, "metadata": {**cell["metadata"], "magics_language": language}}


def _language(source: str) -> str:
    """Pygments' name for the language of a cell: by its file's name, else by trying."""
    from pygments.lexers import PythonLexer, find_lexer_class_for_filename
    from pygments.token import Error

    magic, *words = source.partition("\n")[0].split()
    words = [word for word in words if not word.startswith("--")]
    if magic in NAMING and words:
        if words[0].endswith(".conf"):
            return "nginx"  # to Pygments the ending may mean much else
        if lexer := find_lexer_class_for_filename(words[0]):
            return str(lexer.aliases[0])
    # An answer may be a script, or lines for nginx.
    odd = any(kind is Error for kind, _ in PythonLexer().get_tokens(source))
    return "text" if odd else "python"


def _contents(course: Course) -> Iterator[tuple[str, str]]:
    """The parts of the course, each with nbconvert's anchor of its heading."""
    for part in course.parts:
        source = str(part.cells[0]["source"])
        heading = re.search(r"^#+ (.+)$", source, re.MULTILINE)
        if heading is None:
            continue
        anchor = heading[1].strip().replace(" ", "-")
        minutes = f" ({part.minutes} min)" if isinstance(part, Step) else ""
        yield heading[1].strip() + minutes, anchor


def _course(argv: list[str], verb: str) -> Course:
    Arguments(prog=f"make {verb}").parse_args(argv)
    return Course.load(places.root())


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{path} can't be written: {error.strerror}.") from None
