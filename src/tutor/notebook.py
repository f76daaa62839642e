"""One form for every notebook in the repository: read it, straighten it, write it.

A notebook in memory is the plain JSON object, its texts joined to strings.  On the
disk it stands as nbformat and JupyterLab write it, so saving it in either changes
nothing but what a person changed.  Kept are the sources, outputs, ids, tags and our
own metadata; dropped is whatever changes by itself (the Python version, what was
folded out of the way, when a cell ran).

Counts are renumbered 1..n, never removed: nbval compares nothing on a cell whose
count is null.  Pure apart from `read` and `write`; needs nothing but json.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tutor.report import Refusal

Notebook = dict[str, Any]
Cell = dict[str, Any]
Output = dict[str, Any]

NOTEBOOK_METADATA: Notebook = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
CELL_METADATA = ("jupyter", "slideshow", "tags", "tutor")

# The keys of each kind of output in nbformat 4.5; "transient" and others go.
OUTPUT_KEYS = {
    "stream": ("name", "output_type", "text"),
    "display_data": ("data", "metadata", "output_type"),
    "execute_result": ("data", "execution_count", "metadata", "output_type"),
    "error": ("ename", "evalue", "output_type", "traceback"),
}


def read(path: Path | str) -> Notebook:
    """The notebook in this file, its texts joined.

    Raises:
        Refusal: the file is missing, no notebook, or in another format than 4.
    """
    try:
        nb = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal(f"{path}: can't be read: {error.strerror}") from None
    except ValueError as error:
        raise Refusal(f"{path}: not a notebook: {error}") from None
    if not isinstance(nb, dict) or nb.get("nbformat") != 4 or "cells" not in nb:
        raise Refusal(f"{path}: not a notebook of format 4; save it in JupyterLab")
    return joined(nb)


def joined(nb: Notebook) -> Notebook:
    """A copy whose texts are strings, as programs want them."""

    def output(out: Output) -> Output:
        out = dict(out)
        if "text" in out:
            out["text"] = _text(out["text"])
        if "data" in out:
            out["data"] = {
                mime: value if _is_json(mime) else _text(value)
                for mime, value in out["data"].items()
            }
        return out

    def cell(c: Cell) -> Cell:
        c = {**c, "source": _text(c.get("source", ""))}
        if "outputs" in c:
            c["outputs"] = [output(out) for out in c["outputs"]]
        return c

    return {**nb, "cells": [cell(c) for c in nb["cells"]]}


def canonical(nb: Notebook) -> Notebook:
    """A copy in the one form: counts 1..n, ids kept and unique, no passing metadata.

    Args:
        nb: a notebook, its texts joined or split; a NotebookNode will do.
    """
    cells: list[Cell] = []
    ids: set[str] = set()
    count = 0
    for cell in joined(nb)["cells"]:
        count += cell["cell_type"] == "code"
        new = {
            "cell_type": cell["cell_type"],
            "id": _unique(cell, ids),
            "metadata": _metadata(cell.get("metadata", {})),
            "source": cell["source"],
        }
        if cell.get("attachments"):
            new["attachments"] = cell["attachments"]
        if cell["cell_type"] == "code":
            new["execution_count"] = count
            new["outputs"] = list(_outputs(cell.get("outputs", []), count))
        cells.append(new)
    metadata = dict(NOTEBOOK_METADATA)
    if "tutor" in nb.get("metadata", {}):
        metadata["tutor"] = nb["metadata"]["tutor"]
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def dump(nb: Notebook) -> str:
    """The text of the notebook's file, in the one form and split into lines."""
    nb = canonical(nb)
    for cell in nb["cells"]:
        cell["source"] = cell["source"].splitlines(True)
        for out in cell.get("outputs", []):
            if "text" in out:
                out["text"] = out["text"].splitlines(True)
            for mime, value in out.get("data", {}).items():
                # The rule of nbformat 5, so that saving in JupyterLab is no change.
                if isinstance(value, str) and (
                    mime.startswith("text/")
                    or mime in ("application/javascript", "image/svg+xml")
                ):
                    out["data"][mime] = value.splitlines(True)
    return json.dumps(nb, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write(path: Path | str, nb: Notebook) -> bool:
    """Write the notebook in one go, and only if its text would change.

    A reader sees the old file or the new one, never half of it.

    Returns:
        whether the file was written.
    """
    path, text = Path(path), dump(nb)
    if path.exists() and path.read_bytes() == text.encode():
        return False
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    return True


def code_cells(nb: Notebook) -> list[Cell]:
    """The code cells, in the order of the notebook."""
    return [cell for cell in nb["cells"] if cell["cell_type"] == "code"]


def tags(cell: Cell) -> list[str]:
    """The cell's tags."""
    return list(cell.get("metadata", {}).get("tags", []))


def tutor(cell: Cell) -> dict[str, Any]:
    """Our own metadata of the cell; empty where there is none."""
    return dict(cell.get("metadata", {}).get("tutor", {}))


def _text(value: Any) -> Any:
    """Lines as one string; anything that isn't a list of strings as it is."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value


def _is_json(mime: str) -> bool:
    return mime == "application/json" or (
        mime.startswith("application/") and mime.endswith("+json")
    )


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a person put there: tags, our own, and what is folded on purpose."""
    kept = {key: metadata[key] for key in CELL_METADATA if metadata.get(key)}
    if "tags" in kept:
        kept["tags"] = sorted(set(kept["tags"]))
    if "jupyter" in kept:
        hidden = {key: True for key, value in kept["jupyter"].items() if value is True}
        kept.pop("jupyter")
        kept |= {"jupyter": hidden} if hidden else {}
    return kept


def _unique(cell: Cell, taken: set[str]) -> str:
    """The cell's own id, or one from its source; with a number if it is taken."""
    base = cell.get("id") or hashlib.sha1(cell["source"].encode()).hexdigest()[:8]
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return str(name)


def _outputs(outputs: list[Output], count: int) -> Iterator[Output]:
    """The outputs, with text that came in several pieces put together.

    How often a kernel flushes depends on its haste; what it printed does not.
    """
    last: Output | None = None
    for out in outputs:
        new = {key: out[key] for key in OUTPUT_KEYS[out["output_type"]] if key in out}
        if "execution_count" in new:
            new["execution_count"] = count
        if "data" in new:
            new["data"] = dict(new["data"])
            new.setdefault("metadata", {})
        if last is not None and last.get("name") == new.get("name", ""):
            last["text"] += new["text"]
            continue
        if last is not None:
            yield last
        last = new
    if last is not None:
        yield last
