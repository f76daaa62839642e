"""Rules about the course: its steps, their frame, their exercises."""

from __future__ import annotations

import re
from typing import Any

from tutor.lint import prose
from tutor.lint.book import Book, Found

LABELS = ("works", "silent", "broken on purpose")
MAX_MINUTES = 30
HINTS = 3
PROJECT = "%referee"  # an exercise that is a project of the learner's own
NOTE_WORDS = 60
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
STEP_HEADING = re.compile(r"^## Step (\d+)\. (\S.*)$", re.MULTILINE)

# metadata.tutor of a cell, by the key that says what the cell is.
STEP = {"step": int, "slug": str, "minutes": int, "label": str}
NOTES = {"speaker": str, "demo": str}  # for who teaches it; a step may do without
SCHEMA: dict[str, dict[str, type]] = {
    "step": STEP,
    "section": {"section": str},
    "hints": {"hints": list},
    "reason": {"reason": str},
}


def metadata_schema(book: Book) -> Found:
    for cell in book.cells:
        own = cell.tutor
        if not own:
            continue
        allowed = {
            k: v for kind in SCHEMA if kind in own for k, v in SCHEMA[kind].items()
        }
        if own.get("label") == LABELS[2]:
            allowed["error"] = str
        if "step" in own:
            allowed |= {key: sort for key, sort in NOTES.items() if key in own}
        if not allowed:
            yield (
                cell,
                f"has metadata.tutor {own}",
                f"It holds one of {', '.join(SCHEMA)}",
            )
            continue
        for problem in _unlike(own, allowed):
            yield cell, f"metadata.tutor: {problem}", f"It holds {', '.join(allowed)}"
        label, minutes, slug = own.get("label"), own.get("minutes"), own.get("slug")
        if label is not None and label not in LABELS:
            yield cell, f"has the label {label}", f"One of: {', '.join(LABELS)}"
        if type(minutes) is int and not 1 <= minutes <= MAX_MINUTES:
            yield (
                cell,
                f"takes {minutes} minutes",
                f"At most {MAX_MINUTES}: cut the step, or fold the longer part",
            )
        for key in NOTES:
            count = len(prose.words(str(own.get(key, ""))))
            if count > NOTE_WORDS:
                yield cell, f"has {count} words in {key}", f"At most {NOTE_WORDS}"
        if slug is not None and not SLUG.fullmatch(str(slug)):
            yield cell, f"has the slug {slug}", "Lower case with hyphens"
        if cell.is_code and {"step", "section"} & set(own):
            yield (
                cell,
                "is a code cell with a heading's metadata",
                "Move it to the heading",
            )


def headings(book: Book) -> Found:
    slugs: dict[str, int] = {}
    for number, cell in enumerate(book.headings, start=1):
        own = cell.tutor["step"]
        found = STEP_HEADING.search(cell.source)
        if own != number:
            yield (
                cell,
                f"is step {own}, and the {number}. in order",
                "Number them 1, 2, 3",
            )
        if not found or found[1] != str(own):
            yield (
                cell,
                f"has no heading `## Step {own}. Title`",
                "Heading and metadata.tutor.step agree",
            )
        slug = cell.tutor.get("slug", "")
        if slug in slugs:
            yield cell, f"has the slug {slug} of step {slugs[slug]}", "Give it its own"
        slugs[slug] = own
    for cell in book.prose:
        if STEP_HEADING.search(cell.source) and "step" not in cell.tutor:
            yield (
                cell,
                "is a step's heading without metadata.tutor",
                "Give it step, slug …",
            )


def frames(book: Book) -> Found:
    for heading in book.headings:
        number = heading.tutor["step"]
        code = [cell for cell in book.of_step(number) if cell.is_code]
        sources = [cell.source.strip() for cell in code if "setup" not in cell.tags]
        if sources[:1] != [f"%step {number}"]:
            yield heading, f"does not begin with a cell %step {number}", "Put it first"
        if f"%checkpoint {number}" not in sources:
            yield (
                heading,
                f"has no cell %checkpoint {number}",
                "A step ends with its proof, in a cell of its own",
            )
    for cell in book.code:
        for word, said in re.findall(
            r"^%{1,2}(step|checkpoint|exercise|answer) +(\d+)",
            cell.source,
            re.MULTILINE,
        ):
            if int(said) != cell.step:
                yield (
                    cell,
                    f"says {word} {said} in step {cell.step}",
                    "Name its own step",
                )


def exercises(book: Book) -> Found:
    answered = {cell.step for cell in book.code if "answer" in cell.tags}
    # A whole project leaves no gap to fill: the referee says what it lacks.
    projects = {
        cell.step
        for cell in book.code
        if "answer" in cell.tags and cell.magic == PROJECT
    }
    for heading in book.headings:
        if heading.tutor["step"] not in answered:
            yield heading, "has no exercise", "A step ends with a cell tagged answer"
    for cell, after in zip(book.code, [*book.code[1:], None], strict=True):
        if "answer" in cell.tags:
            hints = cell.tutor.get("hints", [])
            if len(hints) != HINTS or not all(_said(hint) for hint in hints):
                yield (
                    cell,
                    f"has {len(hints)} hints",
                    f"metadata.tutor.hints: {HINTS}, a question, a pointer, the answer",
                )
            gap = cell.magic == "%%answer" and "..." in cell.body
            if not gap and cell.step not in projects:
                yield (
                    cell,
                    "is tagged answer and is no %%answer with a ...",
                    "Leave a gap",
                )
            if after is None or "solution" not in after.tags:
                yield (
                    cell,
                    "is not followed by a solution",
                    "The next code cell holds it",
                )
        elif "hints" in cell.tutor:
            yield cell, "has hints and no tag answer", "Tag it, or remove the hints"
        if "solution" in cell.tags:
            folded = cell.content["metadata"].get("jupyter", {}).get("source_hidden")
            if not folded:
                yield (
                    cell,
                    "is a solution that is not folded",
                    "metadata.jupyter.source_hidden: true",
                )
            whole = cell.magic == "%%answer" and "..." not in cell.body
            if not whole and cell.step not in projects:
                yield cell, "is a solution and no complete %%answer", "Fill the gap"


def _unlike(own: dict[str, Any], wanted: dict[str, type]) -> list[str]:
    """Where metadata differs from its schema."""
    found = [f"{key} is missing" for key in wanted if key not in own]
    found += [f"{key} is not known here" for key in own if key not in wanted]
    found += [
        f"{key} is no {sort.__name__}: {own[key]!r}"
        for key, sort in wanted.items()
        if key in own and (type(own[key]) is not sort or own[key] == "")
    ]
    return found


def _said(hint: Any) -> bool:
    return isinstance(hint, str) and bool(hint.strip())


RULES = (metadata_schema, headings, frames, exercises)
