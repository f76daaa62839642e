"""What a board says of itself: ``board.toml``, beside its ``manage.py``.

What is left out is as in the course's own project.  Three words stand for what only
the referee knows: ``VALUE`` (what is published), ``ID`` (of the newest that a client
knows) and ``PORT`` (of a server).
"""

from __future__ import annotations

import difflib
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sin
from pathlib import Path
from typing import Any

from tutor.report import Refusal

FILE = "board.toml"
VALUE, ID = "VALUE", "ID"
WAYS = ("form", "message", "command")
Json = dict[str, Any]


class Undeclared(Refusal):
    """A declaration that can't be used; one line for each thing to mend."""


@dataclass(frozen=True)
class Publish:
    """How the referee makes news, in one of three ways.

    Args:
        form: the path that a form is posted to; ``fields`` are its fields.
        fields: name to value, VALUE among them.
        message: what is sent over the socket instead.
        command: what follows ``python manage.py`` instead.
        values: the least and the greatest whole number; or the words to choose from.
    """

    form: str = "/publish/"
    fields: Mapping[str, Any] = field(default_factory=lambda: {"value": VALUE})
    message: Json | None = None
    command: str = ""
    values: tuple[Any, ...] = (0, 100)

    def value(self, number: int) -> Any:
        """The value that is published as the ``number``-th: two waves, one on top.

        So that a chart of them looks like something.
        """
        wave = (5 + 3 * sin(number / 4) + 2 * sin(number / 1.7)) / 10
        least, *_, most = self.values
        if isinstance(least, int):
            return least + min(int(wave * (most - least + 1)), most - least)
        return self.values[min(int(wave * len(self.values)), len(self.values) - 1)]


@dataclass(frozen=True)
class News:
    """Which messages tell of something new.

    Args:
        when: fields that they all have, with these values.
        id: where the id is; a dot leads into an object.
        value: where the value is.
    """

    when: Mapping[str, Any] = field(default_factory=lambda: {"type": "reading"})
    id: str = "id"
    value: str = "value"

    def read(self, message: Any) -> tuple[Any, Any] | None:
        """The id and the value of a message; None where it tells nothing new."""
        if any(_at(message, key) != wanted for key, wanted in self.when.items()):
            return None
        found = _at(message, self.id), _at(message, self.value)
        return None if found[0] is None else found


@dataclass(frozen=True)
class Declaration:
    """What the referee has to know of a board.

    Args:
        title: its name, on the report card.
        application: what Daphne runs; as in ``manage.py`` where it is empty.
        page: the path of the page that people see.
        socket: the path of the socket.
        logout: the path that the form for logging out is posted to.
        beside: commands that have to run beside the server.
        environment: what the board finds in its environment, besides REDIS_URL.
        publish: how news is made.
        news: how news is recognised.
        resume: what a client sends first, with the ID of the newest it knows.
        start: that ID, for one who knows nothing.
        ack: what a client sends to confirm; None where the board wants none.
        every: after so many news.
        behind: so many news may be kept for one who does not keep up.
        p99: seconds within which 99 % of the news arrive.
    """

    title: str = ""
    application: str = ""
    page: str = "/"
    socket: str = "/ws/readings/"
    logout: str = "/accounts/logout/"
    beside: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"ALLOWED_ORIGINS": "http://127.0.0.1:PORT"}
    )
    publish: Publish = field(default_factory=Publish)
    news: News = field(default_factory=News)
    resume: Json = field(default_factory=lambda: {"type": "hello", "after": ID})
    start: Any = 0
    ack: Json | None = field(default_factory=lambda: {"type": "ack", "id": ID})
    every: int = 20
    behind: int = 100
    p99: float = 3.0


# section of the file -> key -> what it is, in words; "" is the top.
_PATH, _TEXT, _TABLE = "a path that begins with /", "a text", "a table"
KEYS: dict[str, dict[str, str]] = {
    "": {
        **dict.fromkeys(("title", "application"), _TEXT),
        **dict.fromkeys(("page", "socket", "logout"), _PATH),
        "beside": "a list of commands",
        "environment": "a table of texts",
        **dict.fromkeys(("publish", "news", "resume", "ack", "limits"), _TABLE),
    },
    "publish": {
        "form": _PATH,
        "fields": _TABLE,
        "message": _TABLE,
        "command": _TEXT,
        "values": "two whole numbers, or a list of texts",
    },
    "news": {"when": _TABLE, "id": _TEXT, "value": _TEXT},
    "resume": {"message": _TABLE, "start": "a whole number or a text"},
    "ack": {"message": _TABLE, "every": "a whole number from 0 on"},
    "limits": {
        "behind": "a whole number from 1 on",
        "p99": "a number of seconds above 0",
    },
}


def load(project: Path) -> Declaration:
    """Read a board's declaration.

    Raises:
        Undeclared: there is none, or it can't be used; one line for each error.
    """
    path = project / FILE
    try:
        told = tomllib.loads(path.read_bytes().decode())
    except OSError:
        raise Undeclared(
            f"There is no {FILE} beside manage.py: a board declares itself there.\n"
            "What goes into it: step 18, *The declaration*."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Undeclared(f"{FILE} is no TOML: {error}") from None
    wrong = list(_unlike(told))
    if wrong:
        raise Undeclared("\n".join(f"{FILE}: {line}" for line in wrong))
    return _declared(told)


def _unlike(told: Json) -> list[str]:
    """What is wrong with a declaration, a line each."""
    found = []
    for section, keys in KEYS.items():
        table = told.get(section, {}) if section else told
        if not isinstance(table, dict):
            continue  # said at the top already
        for key, value in table.items():
            name = f"{section}.{key}" if section else key
            if key not in keys:
                close = difflib.get_close_matches(key, keys, 1)
                meant = f"did you mean {close[0]}" if close else ", ".join(keys)
                found.append(f"{name} is no key of it; {meant}?")
            elif not _fits(keys[key], value):
                found.append(f"{name} is {keys[key]}, not {value!r}")
    if found:
        return found
    publish = told.get("publish", {})
    named = [way for way in WAYS if way in publish]
    if len(named) > 1:
        found.append(f"publish: one way is enough, and here are {', '.join(named)}")
    for section, table, word in (
        ("publish", publish, VALUE),
        ("resume", told.get("resume", {}), ID),
    ):
        said = {k: v for k, v in table.items() if k in (*WAYS, "fields")}
        if said and said.keys() - {"form"} and not _has(said, word):
            found.append(f"{section}: nowhere is {word}, for which a value is put in")
    return found


def _fits(kind: str, value: Any) -> bool:
    """Whether a value is what the key's words say."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == _TEXT:
        return isinstance(value, str) and bool(value.strip())
    if kind == _PATH:
        return isinstance(value, str) and value.startswith("/")
    if kind == _TABLE:
        return isinstance(value, dict)
    if kind == "a table of texts":
        return isinstance(value, dict) and all(
            isinstance(one, str) for one in value.values()
        )
    if kind == "a list of commands":
        return isinstance(value, list) and all(map(_command, value))
    if kind == "two whole numbers, or a list of texts":
        numbers = isinstance(value, list) and all(type(one) is int for one in value)
        if numbers:
            return len(value) == 2 and value[0] < value[1]
        return (
            isinstance(value, list)
            and len(value) > 1
            and all(isinstance(one, str) for one in value)
        )
    if kind == "a whole number or a text":
        return whole or isinstance(value, str)
    if kind == "a number of seconds above 0":
        return isinstance(value, (int, float)) and value is not True and value > 0
    return whole and value >= (1 if "from 1" in kind else 0)


def _command(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(shlex.split(value))
    except ValueError:  # a quotation mark that is not closed
        return False


def _declared(told: Json) -> Declaration:
    top = {k: v for k, v in told.items() if k in ("title", "application", "page")}
    top |= {k: v for k, v in told.items() if k in ("socket", "logout", "environment")}
    plain = Declaration()
    publish, news = told.get("publish", {}), told.get("news", {})
    resume, ack, limits = (told.get(name, {}) for name in ("resume", "ack", "limits"))
    way: Json = {k: tuple(v) if k == "values" else v for k, v in publish.items()}
    every = ack.get("every", plain.every)
    return Declaration(
        **top,
        beside=tuple(told.get("beside", ())),
        publish=Publish(**way),
        news=News(**news),
        resume=resume.get("message", plain.resume),
        start=resume.get("start", plain.start),
        ack=ack.get("message", plain.ack) if every else None,
        every=every,
        **limits,
    )


def filled(thing: Any, word: str, value: Any) -> Any:
    """A message with a value in the places where its word stands.

    A text that is the word alone becomes the value itself, also where that is a
    number; within a longer text it is written out.
    """
    if isinstance(thing, dict):
        return {key: filled(one, word, value) for key, one in thing.items()}
    if isinstance(thing, list):
        return [filled(one, word, value) for one in thing]
    if thing == word:
        return value
    return thing.replace(word, str(value)) if isinstance(thing, str) else thing


def _has(thing: Any, word: str) -> bool:
    return bool(filled(thing, word, "") != thing)


def _at(message: Any, path: str) -> Any:
    """What a path leads to in a message; None where it leads nowhere."""
    for key in path.split("."):
        if not isinstance(message, dict) or key not in message:
            return None
        message = message[key]
    return message
