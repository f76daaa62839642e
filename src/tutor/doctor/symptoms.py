"""From what a person sees to its cause: the appendix of the tutorial."""

from __future__ import annotations

import html
from dataclasses import dataclass
from itertools import groupby

from tutor.doctor.catalogue import Mistake, mistakes

_CLIENT = {
    "server does not start": "the server does not start",
    "no answer": "the browser waits, then 1006; nothing in the log",
    "101": "the socket opens; nothing in the log",
    "101, then 1011": "the socket is closed with 1011",
    "101, unheard": "the sender sees no error, and nobody hears the event",
    "form: 500": "the form is answered with HTTP 500",
    "hears nobody": "the page is logged in, and the consumer does not know it",
    "shows –": "the page shows nothing new; an error in the browser's console",
    'hears {"type": "error", "code": "json", "text": "Invalid JSON: expected value '
    'at line 1 column 2"}': "the server says that what it got is no JSON",
    "hears no end": "page and server never rest; nothing in the log",
    "no socket": "the page says that it is not connected",
    "403": "HTTP 403 (in the browser: 1006); no reason in the log",
    "404": "HTTP 404 (in the browser: 1006)",
    "500": "HTTP 500 (in the browser: 1006)",
    "101, then 1006": "the socket opens, and is gone after a while without a word",
    "502": "HTTP 502 (in the browser: 1006)",
    "sent to where it is already": "the browser is sent to where it is already",
    "collectstatic fails": "collectstatic fails",
    "the client's own word": "the log has addresses that clients have made up",
    "the tests pass": "a test passes, whatever the project does",
}

LEFT = 'style="text-align:left"'  # notebooks set every cell of a table to the right


@dataclass(frozen=True)
class Row:
    """One way from a symptom to a cure.

    Args:
        symptom: the text as a person sees it, in the log or else at the client.
        client: what the client sees beside it.
        cause: the mistake's title.
        cure: what to do.
        step: the step that explains it.
        slug: the mistake's name.
    """

    symptom: str
    client: str
    cause: str
    cure: str
    step: int
    slug: str


def symptoms() -> list[Row]:
    """A row for each known mistake that has a symptom, by the symptom's text."""
    rows = [_row(one) for one in mistakes().values() if one.symptom]
    return sorted(rows, key=lambda row: (row.symptom.lower(), row.step, row.slug))


def _row(mistake: Mistake) -> Row:
    seen = mistake.symptom.get("client", "")
    client = _CLIENT.get(seen, "")
    return Row(
        symptom=mistake.symptom.get("log") or client or seen,
        client=client,
        cause=mistake.title,
        cure=mistake.cure,
        step=mistake.step,
        slug=mistake.slug,
    )


class Table(str):
    """The table as text; a notebook shows it as HTML."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        heads = ("What you see", "Cause", "Cure", "Step")
        parts = ["<table><tr>", *(f"<th {LEFT}>{name}</th>" for name in heads), "</tr>"]
        for symptom, group in groupby(symptoms(), lambda row: row.symptom):
            rows = list(group)
            seen = f"<code>{html.escape(symptom)}</code>"
            first = f'<td rowspan="{len(rows)}" {LEFT}>{seen}</td>'
            for row in rows:
                told = (row.cause, row.cure, str(row.step))
                cells = "".join(f"<td {LEFT}>{html.escape(text)}</td>" for text in told)
                parts.append(f"<tr>{first}{cells}</tr>")
                first = ""
        return "\n".join([*parts, "</table>"])


def table() -> Table:
    """Every symptom with its causes, each cause with its step and its cure."""
    lines = []
    for symptom, rows in groupby(symptoms(), lambda row: row.symptom):
        lines.append(symptom)
        lines += [f"    step {row.step}: {row.cause}. {row.cure}" for row in rows]
    return Table("\n".join(lines))
