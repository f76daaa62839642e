"""The one form of a notebook: nothing of value lost, nothing that wobbles kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tutor import notebook
from tutor.report import Refusal


def code(source: str, *outputs: dict[str, Any], **cell: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": list(outputs),
        "source": source,
        **cell,
    }


def printed(text: Any, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(data: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}, **keys}


def book(*cells: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {
        "cells": list(cells),
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    } | keys


def test_counts_run_from_1_and_results_carry_the_same() -> None:
    result = {
        "output_type": "execute_result",
        "data": {"text/plain": "3"},
        "execution_count": 88,
        "metadata": {},
    }
    nb = notebook.canonical(
        book(
            code("a", execution_count=7),
            {"cell_type": "markdown", "metadata": {}, "source": "b"},
            code("c"),
            code("1 + 2", result),
        )
    )
    counts = [c["execution_count"] for c in notebook.code_cells(nb)]
    assert counts == [1, 2, 3]
    assert nb["cells"][3]["outputs"][0]["execution_count"] == 3


def test_ids_are_kept_made_unique_and_made_up_the_same_way_twice() -> None:
    cells = [code("a", id="door"), code("b", id="door"), code("c")]
    first, second, third = notebook.canonical(book(*cells))["cells"]
    assert (first["id"], second["id"]) == ("door", "door-2")
    again = notebook.canonical(book(*cells))["cells"][2]
    assert third["id"] == again["id"] and third["id"]


def test_passing_metadata_goes_and_ours_stays() -> None:
    kept = {
        "tags": ["solution"],
        "tutor": {"hints": ["a", "b", "c"]},
        "jupyter": {"source_hidden": True},
    }
    cell = code(
        "x",
        metadata=kept
        | {
            "collapsed": False,
            "execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"},
            "trusted": True,
        },
    )
    folded = code("y", metadata={"jupyter": {"outputs_hidden": False}})
    nb = notebook.canonical(
        book(
            cell,
            folded,
            metadata={"language_info": {"name": "python", "version": "3.99"}},
        )
    )
    assert nb["cells"][0]["metadata"] == kept
    assert nb["cells"][1]["metadata"] == {}
    assert nb["metadata"] == notebook.NOTEBOOK_METADATA


def test_text_in_pieces_is_put_together_but_other_outputs_stay_between() -> None:
    picture = shown({"text/html": "<b>"})
    cell = code(
        "x",
        printed(["a\n", "b"]),
        printed("c\n"),
        printed("oh\n", "stderr"),
        picture,
        printed("d\n"),
        picture,
        picture,
    )
    outs = notebook.canonical(book(cell))["cells"][0]["outputs"]
    assert [o.get("text", "<>") for o in outs] == [
        "a\nbc\n",
        "oh\n",
        "<>",
        "d\n",
        "<>",
        "<>",
    ]


def test_transient_keys_go() -> None:
    cell = code("x", shown({"text/plain": "1"}, transient={"display_id": "8"}))
    (out,) = notebook.canonical(book(cell))["cells"][0]["outputs"]
    assert set(out) == {"data", "metadata", "output_type"}


def test_canonical_changes_no_argument_and_settles_at_once() -> None:
    nb = book(code("x\ny", printed("a\n"), shown({"image/svg+xml": "<svg>\n</svg>"})))
    before = json.dumps(nb)
    once = notebook.canonical(nb)
    notebook.dump(once)
    assert json.dumps(nb) == before
    assert once["cells"][0]["source"] == "x\ny"
    assert notebook.canonical(once) == once


def test_the_file_is_byte_for_byte_what_nbformat_writes(tmp_path: Path) -> None:
    nb = book(
        {"cell_type": "markdown", "metadata": {}, "source": "# Ünï\n\ntext"},
        code(
            "a = 1\nprint(a)\n",
            printed("1\n2"),
            shown(
                {
                    "text/plain": "x\ny",
                    "text/html": "<p>\n</p>",
                    "image/png": "aGk=\n",
                    "image/svg+xml": "<svg>\n</svg>\n",
                    "application/json": {"b": [1, 2], "a": "x\ny"},
                }
            ),
        ),
    )
    path = tmp_path / "ours.ipynb"
    notebook.write(path, nb)
    ours = path.read_text()
    node = nbformat.read(path, as_version=4)
    nbformat.validate(node)
    nbformat.write(node, tmp_path / "theirs.ipynb")
    assert (tmp_path / "theirs.ipynb").read_text() == ours
    assert notebook.dump(node) == ours
    assert notebook.dump(notebook.read(path)) == ours


def test_write_says_whether_it_wrote_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.ipynb"
    assert notebook.write(path, book(code("1")))
    path.chmod(0o640)
    before = path.stat()
    assert not notebook.write(path, book(code("1")))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert notebook.write(path, book(code("2")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.iterdir()] == ["x.ipynb"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.ipynb"
    notebook.write(path, book(code("old")))
    before = path.read_bytes()

    def no_space(*args: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(OSError, match="no space"):
        notebook.write(path, book(code("new")))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.ipynb"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a notebook"),
        ("[]", "format 4"),
        ('{"nbformat": 3, "cells": []}', "format 4"),
        ('{"nbformat": 4}', "format 4"),
        (None, "can't be read"),
    ],
)
def test_what_is_no_notebook_is_refused_in_a_line(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "x.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Refusal, match=said) as refused:
        notebook.read(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)
