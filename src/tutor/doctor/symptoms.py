"""From what a person sees to its cause: the appendix of the tutorial.

There is a table for each place where one sees something, so that each is short enough
to be read, and none grows out of what the notebook may store.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tutor.doctor.catalogue import Mistake, mistakes
from tutor.report import Refusal

# What a person would say of it, where nothing is logged.
_CLIENT = {
    "server does not start": "the server does not start",
    "no answer": "the browser waits, then 1006; nothing in the log",
    "nothing": "the socket never opens; nothing in the console",
    "101": "the socket opens; nothing in the log",
    "101, then 1011": "the socket is closed with 1011",
    "101, unheard": "the sender sees no error, and nobody hears the event",
    "hears nobody": "the page is logged in, and the consumer does not know it",
    'hears {"type": "error", "code": "json", "text": "Invalid JSON: expected value '
    'at line 1 column 2"}': "the server says that what it got is no JSON",
    "hears nothing was asked": "messages come, and the consumer finds nothing in them",
    "shows –": "the socket opens, and the page shows nothing of what it hears",
    "shows undefined": "the page shows undefined, though messages come",
    "opens 4 sockets": "each click opens one socket more; nothing in the log",
    "shows 7 7": "the page shows what its own visitor has said twice",
    "hears 0": "after a lost connection the page hears nothing more",
    "hears no end": "page and server never rest; nothing in the log",
    "403": "HTTP 403 (in the browser: 1006); no reason in the log",
    "404": "HTTP 404 (in the browser: 1006)",
    "101, then 1006": "the socket opens, and is gone after a while without a word",
    "sent to where it is already": "the browser is sent to where it is already",
    "the tests pass": "a test passes, whatever the project does",
    "no reading": "a job is sent, and no reading comes; nothing in the log",
    "2 readings": "one job makes as many readings as there are workers",
    "nobody outside reaches it": "the server runs in its container, and no connection "
    "from outside comes through",
    "nobody is where the platform asks": "the platform ends the server after a "
    "minute: nothing listens on its port",
    "it goes on": "the server is told to end, and goes on until it is killed",
    "200 for /metrics/": "anybody who asks gets the metrics",
}

# In the server's log or on the terminal; in the browser's console; or nowhere, and
# there is only what the client comes to.
PLACES = ("log", "console", "client")


@dataclass(frozen=True)
class Row:
    """One way from a symptom to a cure.

    Args:
        symptom: the text as a person sees it, in the log or else at the client.
        where: the place where it is seen, one of PLACES.
        cause: the mistake's title.
        cure: what to do.
        step: the step that explains it.
        slug: the mistake's name.
    """

    symptom: str
    where: str
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
    log = mistake.symptom.get("log")
    return Row(
        symptom=log or _CLIENT.get(seen, seen),
        where=mistake.symptom.get("where", "log") if log else "client",
        cause=mistake.title,
        cure=mistake.cure,
        step=mistake.step,
        slug=mistake.slug,
    )


@dataclass(frozen=True, repr=False)
class Table:
    """The causes of each symptom as text; a notebook shows a list of the same.

    Args:
        rows: in the order of their symptoms.
    """

    rows: Sequence[Row]

    def __repr__(self) -> str:
        lines = []
        for symptom, rows in self.groups():
            lines.append(symptom)
            lines += [f"    step {row.step}: {row.cause}. {row.cure}" for row in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        # Lists: notebooks set a table's cells to the right, and the attribute that
        # sets each one back is as long as many a cause.
        parts = ["<ul>"]
        for symptom, rows in self.groups():
            # What is written somewhere stands as it is there; the rest is our words.
            mark = "b" if rows[0].where == "client" else "code"
            seen = html.escape(symptom, quote=False)
            parts.append(f"<li><{mark}>{seen}</{mark}><ul>")
            for row in rows:
                told = html.escape(f"{row.cause}. {row.cure}", quote=False)
                parts.append(f"<li>Step {row.step}: {told}</li>")
            parts.append("</ul></li>")
        return "\n".join([*parts, "</ul>"])

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        """Each symptom with its rows."""
        for symptom, rows in groupby(self.rows, lambda row: row.symptom):
            yield symptom, list(rows)


def table(where: str) -> Table:
    """Every symptom seen there with its causes, each with its step and its cure.

    Args:
        where: one of PLACES.

    Raises:
        Refusal: it is none of them.
    """
    if where not in PLACES:
        raise Refusal(f"tutor.symptoms({where!r}): there are {', '.join(PLACES)}.")
    return Table([row for row in symptoms() if row.where == where])
