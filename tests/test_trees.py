"""A project as a set of files: which count, copied and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor import trees


def project(folder: Path, **texts: str) -> Path:
    """A folder with these files; ``__`` in a name stands for a slash."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "app/__pycache__/views.cpython-311.pyc",
        "views.pyc",
        "db.sqlite3",
        "db.sqlite3-journal",
        "checkpoint.ipynb",
        ".ipynb_checkpoints/a.py",
        ".tutor/progress.json",
        "exercises/04/manage.py",
        "staticfiles/admin.css",
        ".git/HEAD",
        ".DS_Store",
        "views.py~",
        "views.py.swp",
    ],
)
def test_what_running_and_tools_leave_is_no_part_of_it(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert trees.files(tmp_path) == {}


def test_the_files_of_a_project(tmp_path: Path) -> None:
    project(tmp_path, b="1", app__b="2", app__templates__app__a="3")
    (tmp_path / ".env").touch()
    (tmp_path / "empty folder").mkdir()
    assert trees.files(tmp_path) == {
        ".env": b"",
        "app/b": b"2",
        "app/templates/app/a": b"3",
        "b": b"1",
    }


def test_a_copy_is_the_same_and_may_be_run(tmp_path: Path) -> None:
    one = project(tmp_path / "one", manage="x", app__a="y", db="z")
    (one / "manage").chmod(0o755)
    (one / "db.sqlite3").touch()
    trees.copy(one, tmp_path / "two")
    assert trees.same(one, tmp_path / "two")
    assert (tmp_path / "two/manage").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "two/db.sqlite3").exists()


def test_replace_leaves_no_file_and_no_folder_too_many(tmp_path: Path) -> None:
    one = project(tmp_path / "one", a="new", app__b="b")
    two = project(tmp_path / "two", a="old", gone__deep__c="c", app__d="d")
    trees.replace(one, two)
    assert trees.same(one, two)
    assert not (two / "gone").exists()
    assert sorted(path.name for path in two.iterdir()) == ["a", "app"]


def test_replace_keeps_what_is_no_part_of_the_project(tmp_path: Path) -> None:
    one = project(tmp_path / "one", a="new")
    two = project(tmp_path / "two", app__b="b")
    for name in ("app/db.sqlite3", "tutorial.ipynb", ".tutor/saved/b"):
        (two / name).parent.mkdir(parents=True, exist_ok=True)
        (two / name).write_text("mine")
    trees.replace(one, two)
    assert trees.same(one, two)
    for name in ("app/db.sqlite3", "tutorial.ipynb", ".tutor/saved/b"):
        assert (two / name).read_text() == "mine"


def test_replace_makes_the_folder(tmp_path: Path) -> None:
    one = project(tmp_path / "one", a="1")
    trees.replace(one, tmp_path / "two" / "three")
    assert trees.same(one, tmp_path / "two" / "three")


def test_changes_count_lines(tmp_path: Path) -> None:
    old = project(tmp_path / "old", a="1\n2\n3\n", gone="x\ny\n", same="s\n")
    new = project(tmp_path / "new", a="1\n3\n4\n5\n", same="s\n", app__b="b\n")
    found = trees.changes(old, new)
    assert list(map(str, found)) == ["a +2 −1", "app/b +1 −0", "gone +0 −2"]
    assert found[0].diff == (
        "--- a",
        "+++ a",
        "@@ -1,3 +1,4 @@",
        *[" 1", "-2", " 3", "+4", "+5"],
    )


def test_changes_from_the_empty_folder(tmp_path: Path) -> None:
    new = project(tmp_path / "new", a="1\n", empty="")
    assert list(map(str, trees.changes(None, new))) == ["a +1 −0", "empty +0 −0"]
    assert trees.changes(new, new) == []


def test_an_empty_file_that_goes_is_a_change(tmp_path: Path) -> None:
    old = project(tmp_path / "old", a="", b="")
    new = project(tmp_path / "new", a="")
    assert [change.path for change in trees.changes(old, new)] == ["b"]
    assert not trees.same(old, new)


def test_what_is_no_text_is_compared_all_the_same(tmp_path: Path) -> None:
    old, new = project(tmp_path / "old"), project(tmp_path / "new")
    (old / "icon").write_bytes(b"\x89PNG\xff\n")
    (new / "icon").write_bytes(b"\x89PNG\xfe\n")
    assert not trees.same(old, new)
    assert [change.path for change in trees.changes(old, new)] == ["icon"]
