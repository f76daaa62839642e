"""The glossary, made from the notebook: where a word first stands in bold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tutor.course import Course, Step

# A bold word is a term; bold that ends in a mark ("**Predict.**") is a signpost.
_TERM = re.compile(r"\*\*([^*]*[^*.:!?])\*\*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`*])")
_MARKUP = re.compile(r"\*\*|`")


@dataclass(frozen=True)
class Term:
    """A word, the sentence that introduces it, and where that stands."""

    word: str
    meaning: str
    where: str


def terms(course: Course) -> list[Term]:
    """Every term of the course, in alphabetical order; the first use counts."""
    found: dict[str, Term] = {}
    for part in course.parts:
        where = f"step {part.number}" if isinstance(part, Step) else part.name
        for cell in part.cells:
            if cell["cell_type"] != "markdown":
                continue
            for paragraph in re.split(r"\n\s*\n|\n(?=[-|#])", "".join(cell["source"])):
                for sentence in _SENTENCE.split(" ".join(paragraph.split())):
                    for word in _TERM.findall(sentence):
                        plain = _MARKUP.sub("", sentence)
                        found.setdefault(word.lower(), Term(word, plain, where))
    return [found[word] for word in sorted(found)]


def text(course: Course) -> str:
    """The glossary as lines, a term and its sentence each."""
    every = terms(course)
    width = max((len(term.word) for term in every), default=0)
    return "\n".join(f"{t.word:<{width}}  {t.meaning} ({t.where})" for t in every)
