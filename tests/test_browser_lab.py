"""JupyterLab in a real browser, as a learner meets it.

Nothing is clicked and nothing is waited for by name of a style: Lab puts its
application object into the page, and we await its own commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from labs import environment, lab, small_course
from playwright.sync_api import Page, sync_playwright

from tutor import browser

pytestmark = [pytest.mark.browser, pytest.mark.takes(220)]

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "build" / "screenshots"
ALL_CELLS = 1_500_000  # milliseconds; the whole course, on a busy machine

READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return panel?.context?.isReady
    && panel.sessionContext?.session?.kernel?.status === 'idle';
}"""

RUN_ALL = """() => {
  window.allRan = false;
  const done = () => { window.allRan = true; };
  window.jupyterapp.commands.execute('notebook:run-all-cells').then(done, done);
}"""

CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter(cell => cell.model.type === 'code')
  .map(cell => ({
    source: cell.model.sharedModel.source,
    count: cell.model.executionCount,
    outputs: cell.model.outputs.toJSON(),
  }))"""


@contextmanager
def opened(path: Path, url: str) -> Iterator[Page]:
    """The notebook in the browser, its kernel idle; the page may raise nothing."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, path)
        page = chromium.new_page(viewport={"width": 1280, "height": 1500})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}&reset")
        page.wait_for_function(READY, timeout=90_000)
        yield page
        chromium.close()
    assert not errors


def run_all(page: Page) -> list[dict[str, Any]]:
    page.evaluate(RUN_ALL)
    # By default it would be asked at each frame, for a quarter of an hour.
    page.wait_for_function("() => window.allRan", polling=500, timeout=ALL_CELLS)
    found: list[dict[str, Any]] = page.evaluate(CELLS)
    return found


def save(page: Page) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")


def show_last(page: Page, words: str) -> None:
    """Scroll until the last cell that printed these words stands still, in sight.

    A cell that was never in sight has no height until it has been, so what was
    scrolled to moves.
    """
    page.evaluate(
        """async words => {
          const notebook = window.jupyterapp.shell.currentWidget.content;
          const said = cell => cell.model.type === 'code'
            && JSON.stringify(cell.model.outputs.toJSON()).includes(words);
          const found = notebook.widgets.findLastIndex(said);
          if (found < 0) return;
          const node = notebook.widgets[found].node;
          const frame = () => new Promise(requestAnimationFrame);
          for (let still = 0, last = null, turn = 0; still < 30 && turn < 600; turn++) {
            await notebook.scrollToItem(found, 'center');
            await frame();
            const { top, bottom } = node.getBoundingClientRect();
            const seen = bottom > 0 && top < window.innerHeight;
            still = seen && top === last ? still + 1 : 0;
            last = top;
          }
        }""",
        words,
    )


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def readme_picture(page: Page) -> None:
    """The picture of the README: the conversation, and the way of the last knock."""
    page.set_viewport_size({"width": 1000, "height": 780})
    page.evaluate(
        "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
    )
    show_last(page, "URLRouter → PracticeConsumer: 101")
    picture(page, "readme")


def complaints(cells: list[dict[str, Any]]) -> list[str]:
    """What went wrong, with the cell it went wrong in."""
    found = []
    for number, cell in enumerate(cells, start=1):
        where = f"code cell {number}, {cell['source'].strip().splitlines()[:1]}"
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"{where}: {output['ename']}: {output['evalue']}")
            if output.get("name") == "stderr":
                found.append(f"{where}: stderr: {output['text']}")
        if cell["count"] is None:
            found.append(f"{where}: has not run")
    return found


APP = "--LabApp.expose_app_in_browser=True"


def test_every_cell_of_the_tutorial_runs(browser_path: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    with lab(environment(tmp_path, TUTOR_WORKSPACE=str(workspace)), APP) as server:
        with opened(browser_path, server.url) as page:
            before = page.evaluate(CELLS)
            assert all(cell["count"] is None and not cell["outputs"] for cell in before)
            picture(page, "tutorial-opened")
            cells = run_all(page)
            save(page)
            show_last(page, "a number from 0 to 100")
            picture(page, "tutorial-all-cells-ran")
            readme_picture(page)
        status, left = server.end()
    assert complaints(cells) == []
    assert (status, left) == (0, [])
    assert (workspace / "manage.py").exists(), "the project grew in the workspace"


def test_what_a_learner_wrote_in_the_browser_outlives_an_update(
    browser_path: Path, tmp_path: Path
) -> None:
    course = small_course(
        tmp_path / "course", "first = 1", "second = 2", "print(first)"
    )
    env = environment(tmp_path, TUTOR_ROOT=str(tmp_path / "course"))
    with lab(env, APP) as server, opened(browser_path, server.url) as page:
        page.evaluate(
            "() => { window.jupyterapp.shell.currentWidget.content.widgets[0]"
            ".model.sharedModel.source = 'first = 41 + 1'; }"
        )
        ran = run_all(page)
        assert complaints(ran) == []
        assert ran[2]["outputs"][0]["text"] == "42\n"
        save(page)
    course["cells"][0]["source"] = "first = 'the course'"
    course["cells"][1]["source"] = "second = 'the course'"
    (tmp_path / "course" / "tutorial.ipynb").write_text(json.dumps(course))
    with lab(env, APP) as server, opened(browser_path, server.url) as page:
        cells = page.evaluate(CELLS)
    assert "1 cell updated, 1 cell left as you changed them" in server.said[0]
    assert [cell["source"] for cell in cells] == [
        "first = 41 + 1",
        "second = 'the course'",
        "print(first)",
    ]
    assert cells[2]["outputs"], "it had run, and nobody changed it"


def test_the_search_looks_into_outputs_when_it_is_told_to(
    browser_path: Path, tmp_path: Path
) -> None:
    """As the text above the lists of symptoms says."""
    small_course(tmp_path / "course", "print('needle')")
    env = environment(tmp_path, TUTOR_ROOT=str(tmp_path / "course"))
    with lab(env, APP) as server, opened(browser_path, server.url) as page:
        run_all(page)
        page.evaluate(
            "() => window.jupyterapp.commands.execute('documentsearch:start')"
        )
        page.get_by_placeholder("Find", exact=True).fill("needle")
        page.get_by_text(re.compile(r"^\d/1$")).wait_for()  # in the cell only
        page.get_by_title("Show Search Filters").click()
        page.get_by_label("Search Cell Outputs").check()
        page.get_by_text(re.compile(r"^\d/2$")).wait_for()
