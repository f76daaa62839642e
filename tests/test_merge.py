"""Who owns a cell when the course is updated: pure, on small notebooks."""

from __future__ import annotations

from typing import Any

from tutor.merge import copy_for_learner, merge

Cell = dict[str, Any]


def cell(id: str, source: str = "", count: int | None = None, **metadata: Any) -> Cell:
    return {
        "cell_type": "code",
        "id": id,
        "metadata": metadata,
        "source": source or f"{id} = 1",
        "execution_count": count,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": id}]
        if count
        else [],
    }


def text(id: str, source: str) -> Cell:
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def book(*cells: Cell) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def ids(notebook: dict[str, Any]) -> list[str]:
    return [cell["id"] for cell in notebook["cells"]]


def by_id(notebook: dict[str, Any], id: str) -> Cell:
    return next(cell for cell in notebook["cells"] if cell["id"] == id)


COURSE = book(text("t", "# A"), cell("a"), cell("b"), cell("c"))


def test_a_copy_has_every_text_and_no_output() -> None:
    copy = copy_for_learner(book(text("t", "# A"), cell("a", count=3)))
    assert by_id(copy, "t")["source"] == "# A"
    assert by_id(copy, "a")["outputs"] == []
    assert by_id(copy, "a")["execution_count"] is None


def test_an_unchanged_course_changes_nothing_and_keeps_outputs() -> None:
    mine = book(text("t", "# A"), cell("a", count=1), cell("b", "mine"), cell("c"))
    merged = merge(COURSE, mine, COURSE)
    assert not merged.changed
    assert merged.notebook == mine
    assert str(merged) == "nothing changed"


def test_a_cell_only_the_course_changed_is_updated_and_its_output_goes() -> None:
    course = book(text("t", "# B"), cell("a", "a = 2"), cell("b"), cell("c"))
    mine = book(text("t", "# A"), cell("a", count=1), cell("b", count=2), cell("c"))
    merged = merge(COURSE, mine, course)
    assert merged.updated == ("t", "a")
    assert by_id(merged.notebook, "t")["source"] == "# B"
    assert by_id(merged.notebook, "a")["source"] == "a = 2"
    assert by_id(merged.notebook, "a")["outputs"] == []
    assert by_id(merged.notebook, "b")["outputs"], "it did not change: it has run"


def test_a_cell_the_learner_changed_stays_the_learners() -> None:
    course = book(text("t", "# A"), cell("a", "a = 2"), cell("b"), cell("c"))
    mine = book(text("t", "# A"), cell("a", "a = 99", 1), cell("b", "b = 9"), cell("c"))
    merged = merge(COURSE, mine, course)
    assert merged.kept == ("a",)
    assert by_id(merged.notebook, "a") == mine["cells"][1]
    assert by_id(merged.notebook, "b")["source"] == "b = 9"
    assert not merged.changed, "nothing to write"


def test_both_made_the_same_change() -> None:
    course = book(text("t", "# A"), cell("a", "a = 2"), cell("b"), cell("c"))
    mine = book(text("t", "# A"), cell("a", "a = 2", 1), cell("b"), cell("c"))
    merged = merge(COURSE, mine, course)
    assert not merged.changed
    assert not merged.kept
    assert by_id(merged.notebook, "a")["outputs"]


def test_new_cells_come_and_removed_ones_go() -> None:
    course = book(text("t", "# A"), cell("a"), cell("new"), cell("c"))
    merged = merge(COURSE, copy_for_learner(COURSE), course)
    assert ids(merged.notebook) == ["t", "a", "new", "c"]
    assert merged.updated == ("new",)
    assert merged.removed == ("b",)
    assert str(merged) == "1 cell updated, 1 cell no longer in the course"


def test_a_removed_cell_that_the_learner_changed_stays_where_it_stood() -> None:
    course = book(text("t", "# A"), cell("a"), cell("c"))
    mine = book(text("t", "# A"), cell("a"), cell("b", "b = 9"), cell("c"))
    assert ids(merge(COURSE, mine, course).notebook) == ["t", "a", "b", "c"]


def test_the_learners_own_cells_stay_behind_the_cell_they_stood_behind() -> None:
    course = book(text("t", "# A"), cell("new"), cell("a"), cell("b"), cell("c"))
    mine = book(
        cell("top"), text("t", "# A"), cell("a"), cell("x"), cell("y"), cell("b")
    )
    mine["cells"] += [cell("c"), cell("end")]
    merged = merge(COURSE, mine, course)
    assert ids(merged.notebook) == [
        "top", "t", "new", "a", "x", "y", "b", "c", "end",
    ]  # fmt: skip


def test_a_cell_that_the_learner_removed_stays_away() -> None:
    mine = book(text("t", "# A"), cell("a"), cell("c"))
    course = book(text("t", "# A"), cell("a"), cell("b", "b = 2"), cell("c"))
    assert ids(merge(COURSE, mine, course).notebook) == ["t", "a", "c"]


def test_without_a_base_what_differs_is_the_learners_and_new_cells_come() -> None:
    course = book(text("t", "# A"), cell("a", "a = 2"), cell("b"), cell("new"))
    mine = book(text("t", "# A"), cell("a"), cell("b", count=1), cell("own"))
    merged = merge(book(), mine, course)
    assert merged.kept == ("a",)
    assert ids(merged.notebook) == ["t", "a", "b", "own", "new"]


def test_what_the_learner_folded_stays_folded_until_the_course_changes_it() -> None:
    base = book(cell("a", jupyter={"source_hidden": True}))
    mine = book(cell("a"))
    assert not by_id(merge(base, mine, base).notebook, "a")["metadata"]
    course = book(cell("a", tags=["answer"]))
    merged = merge(base, mine, course).notebook
    assert by_id(merged, "a")["metadata"] == {"tags": ["answer"]}


def test_an_id_that_stands_twice_gets_a_new_one() -> None:
    mine = book(text("t", "# A"), cell("a"), cell("a", "pasted"), cell("b"), cell("c"))
    found = merge(COURSE, mine, COURSE).notebook
    assert [c["source"] for c in found["cells"][:3]] == ["# A", "a = 1", "pasted"]
    assert len(set(ids(found))) == len(ids(found))
