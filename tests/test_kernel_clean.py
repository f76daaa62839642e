"""No kernel imports the learner's project.

Every notebook of ours is asked, by its last cell: see `tutor.prove.cells`.  Here a
kernel that did import it is seen to fail, however it came by it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Prove, Run, book, code

WAYS = {
    "plain": "import webapp.settings",
    "other": "from master_app import consumers",
    "hidden": "import importlib\n_ = importlib.import_module('web' + 'app')",
    "script": "import manage",
}


@pytest.fixture(scope="module")
def run(prove: Prove, folder: Path) -> Run:
    for name in ("webapp/__init__.py", "webapp/settings.py", "manage.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "master_app").mkdir()
    (folder / "master_app" / "consumers.py").touch()
    (folder / "webapplication.py").touch()
    books = {name: book(code(way), code("pass")) for name, way in WAYS.items()}
    clean = book(
        code("import webapplication, subprocess, sys"),
        code("_ = subprocess.run([sys.executable, '-c', 'import webapp'], check=True)"),
    )
    return prove(clean=clean, **books)


def test_a_child_may_import_it(run: Run) -> None:
    assert run.outcomes("clean") == ["passed", "passed"], run.out


@pytest.mark.parametrize("way", WAYS)
def test_a_kernel_may_not(run: Run, way: str) -> None:
    assert run.outcomes(way) == ["passed", "failed"]
    said = run.cases[f"{way}.ipynb::Cell 2"].said
    module = {"other": "master_app", "script": "manage"}.get(way, "webapp")
    assert f"imported {module}" in said and "%%project" in said
