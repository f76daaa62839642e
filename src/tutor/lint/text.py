"""Rules about prose, pictures and links: what a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from tutor.lint import prose
from tutor.lint.book import Book, Cell, Found

WEASELS = re.compile(
    r"\b(just|simply|simple|obvious(?:ly)?|eas(?:y|ily)|probably)\b", re.IGNORECASE
)
SENTENCE_WORDS = 30
STEP_WORDS = (150, 350)
IMAGE_MIMES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif")


def weasel_words(book: Book) -> Found:
    for cell in book.prose:
        for paragraph in prose.paragraphs(cell.source):
            for found in WEASELS.finditer(paragraph.unquoted):
                yield cell, f'says "{found[0]}"', "State the condition instead"


def short_sentences(book: Book) -> Found:
    for cell in book.prose:
        for paragraph in prose.paragraphs(cell.source):
            for sentence in paragraph.sentences:
                count = len(prose.words(sentence))
                if count > SENTENCE_WORDS:
                    yield (
                        cell,
                        f'has a sentence of {count} words: "{sentence[:50]}…"',
                        f"At most {SENTENCE_WORDS}: make it two",
                    )


def step_length(book: Book) -> Found:
    """A warning: the exercise and the broken attempts of a step may need more."""
    least, most = STEP_WORDS
    for heading in book.headings:
        count = sum(
            len(paragraph.words)
            for cell in book.of_step(heading.tutor["step"])
            if not cell.is_code
            for paragraph in prose.paragraphs(cell.source)
            if not paragraph.folded
        )
        if not least <= count <= most:
            yield (
                heading,
                f"has {count} words of main text",
                f"{least} to {most}: fold what can be skipped, under a Why…?",
            )


def pictures_speak(book: Book) -> Found:
    cure = "Say in words what it shows: alt, aria-label with role=img, or title"
    for cell in book.cells:
        for alt, target in prose.IMAGE.findall(_markdown(cell)):
            if not alt.strip():
                yield cell, f"has a picture without words: {target}", cure
        for mute in _mute(cell):
            yield cell, f"has a <{mute}> without words", cure
        for out in cell.outputs:
            for mime in set(out.get("data", {})) & set(IMAGE_MIMES):
                yield (
                    cell,
                    f"shows {mime}, which JupyterLab gives no alt text",
                    "Show it as HTML: <figure> with <svg role=img aria-label=…>",
                )


def links_lead_somewhere(book: Book) -> Found:
    anchors = {
        heading.strip().replace(" ", "-")
        for cell in book.prose
        for heading in re.findall(
            r"^#+ (.+)$", prose.FENCE.sub("", cell.source), re.MULTILINE
        )
    } | {
        name
        for cell in book.prose
        for name in re.findall(r"<a (?:id|name)=\"([^\"]+)\"", cell.source)
    }
    for cell in book.prose:
        for text, target in prose.LINK.findall(_markdown(cell)):
            if target.startswith("#"):
                if target[1:].replace("%20", "-") not in anchors:
                    yield (
                        cell,
                        f"leads to {target}, which is no heading",
                        "Mend the link",
                    )
            elif not re.match(r"(https?://|mailto:|attachment:)", target):
                yield (
                    cell,
                    f'leads from "{text}" to the file {target}',
                    "The cell also stands in steps/ and workspace/: name it as code",
                )


def _markdown(cell: Cell) -> str:
    """The Markdown of a cell, without what is code."""
    return "" if cell.is_code else prose.without_code(cell.source)


def _mute(cell: Cell) -> Iterator[str]:
    """The pictures and frames in a cell's HTML that say nothing to who can't see."""
    yield from Pictures.mute(_markdown(cell))
    for out in cell.outputs:
        for mime in ("text/html", "text/markdown"):
            yield from Pictures.mute(out.get("data", {}).get(mime, ""))


class Pictures(HTMLParser):
    """Notes each picture, and whether it has words."""

    def __init__(self) -> None:
        super().__init__()
        self.spoken: list[tuple[str, bool]] = []
        self._svg: list[int] = []

    @classmethod
    def mute(cls, html: str) -> list[str]:
        parser = cls()
        parser.feed(html)
        parser.close()
        return [tag for tag, spoken in parser.spoken if not spoken]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: (value or "").strip() for name, value in attrs}
        hidden = has.get("aria-hidden") == "true"
        if tag == "img":
            self.spoken.append((tag, hidden or bool(has.get("alt"))))
        elif tag == "iframe":
            self.spoken.append((tag, bool(has.get("title"))))
        elif tag in ("canvas", "video", "audio", "object"):
            self.spoken.append((tag, bool(has.get("aria-label") or has.get("title"))))
        elif tag == "svg":
            self._svg.append(len(self.spoken))
            named = has.get("role") == "img" and bool(has.get("aria-label"))
            self.spoken.append((tag, hidden or named))
        elif tag == "title" and self._svg:
            self.spoken[self._svg[-1]] = ("svg", True)

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg" and self._svg:
            self._svg.pop()


RULES = (weasel_words, short_sentences, pictures_speak, links_lead_somewhere)
WARNINGS = (step_length,)
