"""What is handed out: the course as one page, in a real browser; the handout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tutor import browser, notebook, paper, places
from tutor.__main__ import main
from tutor.course import Course

from .conftest import book, code, shown, text
from .courses import make

pytestmark = pytest.mark.takes(30)

COURSE = Course.load(places.root())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "course.html"
    path.write_text(paper.page(COURSE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium(browser_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, browser_path)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request: Any, chromium: Browser, file: Path) -> Iterator[Page]:
    """The page, opened from the disk; it asks for nothing, nothing is refused."""
    asked: list[str] = []
    page = chromium.new_page(color_scheme=request.param)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    page.goto(file.as_uri(), wait_until="load")
    yield page
    page.close()
    assert asked == [file.as_uri()]


# Each pair of ink and ground among the page's letters, with an example.  Colours
# here are opaque; a ground is that of the nearest ancestor that has one.
INKS = """() => {
  const pairs = {};
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const words = texts.currentNode.data.trim();
    const holder = texts.currentNode.parentElement;
    if (!words) continue;
    const style = getComputedStyle(holder);
    const ink = holder.closest('svg') ? style.fill : style.color;
    let it = holder, ground;
    do {
      ground = getComputedStyle(it).backgroundColor;
      it = it.parentElement;
    } while (it && ground === 'rgba(0, 0, 0, 0)');
    pairs[`${ink} on ${ground}`] = [ink, ground, words, !!holder.closest('svg')];
  }
  return Object.values(pairs);
}"""


def luminance(colour: str) -> float:
    """WCAG's relative luminance of ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.browser
def test_it_asks_for_nothing_and_can_be_read(page: Page) -> None:
    pairs = page.evaluate(INKS)
    assert len(pairs) > 8
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for ink, ground, words, drawn in pairs:
        low, high = sorted((luminance(ink), luminance(ground)))
        assert (luminance(ground) < 0.1) is dark, (ground, words)
        # WCAG 2.2, 1.4.3 and, for drawings, 1.4.11.
        least = 3 if drawn else 4.5
        assert (high + 0.05) / (low + 0.05) >= least, (ink, ground, words)


@pytest.mark.browser
def test_the_contents_lead_there(page: Page) -> None:
    links = page.locator("nav a")
    assert links.count() == len(COURSE.parts)
    dead = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(link => link.hash)"
        ".filter(hash => !document.getElementById(decodeURIComponent(hash.slice(1))))"
    )
    assert dead == []


@pytest.mark.browser
def test_on_a_narrow_screen_only_code_scrolls_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 720})
    assert wide <= 360


@pytest.mark.browser
def test_on_paper_asides_are_open_and_solutions_out(page: Page) -> None:
    aside = page.locator("details:not(.solution) p").first
    solution = page.locator("details.solution").first
    assert not aside.is_visible()
    assert solution.is_visible() and not solution.locator("pre").first.is_visible()
    solution.locator("summary").click()
    assert solution.locator("pre").first.is_visible()
    page.emulate_media(media="print")
    assert aside.is_visible()
    assert not solution.is_visible()
    ground = "getComputedStyle(document.body).backgroundColor"
    assert luminance(page.evaluate(ground)) == 1, "paper is white"
    page.emulate_media(media="screen")


def test_everything_is_in_it(file: Path) -> None:
    html = file.read_text()
    for cell in COURSE.content["cells"]:
        if "solution" not in notebook.tags(cell) and cell["cell_type"] == "code":
            printed = [out["text"] for out in cell["outputs"] if "text" in out]
            for line in "".join(printed).splitlines()[:2]:
                escaped = line.replace("&", "&amp;").replace("<", "&lt;")
                assert escaped.replace(">", "&gt;") in html, line
    assert html.count('<details class="solution">') == sum(
        "solution" in notebook.tags(cell) for cell in COURSE.content["cells"]
    )


def test_frames_and_scripts_stay_out() -> None:
    """A frame shows a server that is gone; and what a cell stored can't run."""
    frame = shown("text/html", '<iframe src="http://127.0.0.1:1/"></iframe>')
    frame["data"]["text/plain"] = "The page of your project"
    cells = [text("# A") | {"id": "a"}, code("1", frame, id="b")]
    html = paper.page(Course(Path(), book(*cells)))
    assert "<iframe" not in html and "The page of your project" in html
    policy = re.search(r"<meta[^>]*Content-Security-Policy[^>]*>", html)
    assert policy and "\"default-src 'none'; " in policy[0]
    assert "script" not in policy[0]


def test_a_cell_is_coloured_as_the_language_it_is_in() -> None:
    cells = [
        code("%%write --break app/page.html\n<p>It's here</p>", id="b"),
        code("%%edit app/page.js\n class A {\n+  b = `c`;", id="c"),
        code("%%edit deploy/nginx.conf\n server {\n+  listen 80;", id="d"),
        code("%%write app/views.py\ndef page(request): ...", id="e"),
        code("%%answer 1\nexport default $`b`;", id="f"),
        code("%step 1\nawait tutor.knock()", id="g"),
    ]
    html = paper.page(Course(Path(), book(text("# A") | {"id": "a"}, *cells)))
    found = re.findall(r"(?s)<pre>.*?</pre>", html)
    wanted = [
        '<span class="nt">p</span>',
        '<span class="kd">class</span>',
        '<span class="s">listen</span>',
        '<span class="k">def</span>',
        "export default $`b`;",
        '<span class="k">await</span>',
    ]
    assert len(found) == len(wanted)
    for body, part in zip(found, wanted, strict=True):
        assert part in body


@pytest.mark.browser
def test_no_part_of_a_line_is_marked_as_an_error(page: Page) -> None:
    """A lexer that does not know a word draws no box around it."""
    boxes = page.evaluate(
        "[...document.querySelectorAll('.highlight .err')]"
        ".filter(word => getComputedStyle(word).borderStyle !== 'none').length"
    )
    assert boxes == 0


@pytest.mark.browser
def test_on_a_wide_screen_the_contents_stay_beside_the_text(page: Page) -> None:
    try:
        page.set_viewport_size({"width": 1400, "height": 700})
        page.evaluate("scrollTo(0, 20000)")
        nav = page.locator("nav").bounding_box()
        main = page.locator("main").bounding_box()
        assert nav and main
        assert nav["y"] == 0 and nav["x"] + nav["width"] <= main["x"]
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})


def test_the_handout_gives_nothing_away() -> None:
    whole = COURSE.content["cells"]
    content = paper.without_solutions(COURSE.content)
    nbformat.validate(nbformat.from_dict(content))
    dumped = json.dumps(content)
    for cell in whole:
        tags, own = notebook.tags(cell), notebook.tutor(cell)
        if "solution" in tags:
            assert json.dumps(cell["source"])[1:-1] not in dumped
        for hint in own.get("hints", []):
            assert json.dumps(hint)[1:-1] not in dumped
    assert "solution is folded" not in dumped
    assert "speaker" not in dumped
    answers = [cell for cell in content["cells"] if "answer" in notebook.tags(cell)]
    assert len(answers) == sum("answer" in notebook.tags(cell) for cell in whole)
    assert not any(cell.get("outputs") for cell in content["cells"])
    slugs = [notebook.tutor(cell).get("slug") for cell in content["cells"]]
    assert [slug for slug in slugs if slug] == [step.slug for step in COURSE.steps]


def test_the_verbs_write_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make(tmp_path / "course")
    monkeypatch.setenv("TUTOR_ROOT", str(root))
    for _ in range(2):
        assert main(["html"]) == main(["handout"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert re.match(r"Wrote build/course.html \(\d+ kB\): one page", said[0])
    assert said[2].startswith("Wrote build/handout.ipynb: 0 cells with solutions")
    assert (root / "build/course.html").read_text().count("<h2") == 3
    assert len(notebook.read(root / "build/handout.ipynb")["cells"]) == len(
        notebook.read(root / "tutorial.ipynb")["cells"]
    )
    (root / "build/handout.ipynb").unlink()
    (root / "build/handout.ipynb").mkdir()
    assert main(["handout"]) == 1
    assert "handout.ipynb can't be written" in capsys.readouterr().err
