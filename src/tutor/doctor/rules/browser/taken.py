"""What a page takes out of a message, against what the project ever says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import echoes, kinds, tables
from tutor.doctor.rules.browser.following import Reads, first, listened, parsed
from tutor.doctor.rules.browser.handling import handlers
from tutor.doctor.rules.browser.javascript import Code, Func, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.vocabulary import Said, keys_sent, said_whole
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups.within import only_inside
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside

RANK = 71
SLUG = "client-reads-another-key"
# Ways in which keys come that stand nowhere in the project.
_FOREIGN = (
    *(".json()", ".json(content", "_asdict(", "dictreader", "json.load(", "yaml"),
    *("toml", "vars(", "__dict__", "serializers.serialize", "camel", "graphql"),
)
# Of every object, list and text; and of Django's own rows.
_COMMON = {
    *("length", "map", "forEach", "filter", "toString", "constructor", "slice"),
    *("id", "pk", "model", "fields", "username", "email", "first_name", "last_name"),
    *("name", "size", "data", "type", "message", "target", "detail"),
}


# A word there is the name of an element, and tells no messages apart.
_ELEMENTS = re.compile(
    r"""\b(?:getElementById|querySelector(?:All)?)\s*\(\s*(['"`])[^'"`\n]*\1"""
)


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """Keys, and values that tell messages apart, of which the project knows nothing.

    Both sides have to be odd: the page takes what nobody sends, and something is
    sent that no page takes.  One of them alone may be meant for later.
    """
    own = [one for one in seen.source.modules.values() if not is_aside(one.file)]
    if any(
        word in text for text in [one.text.lower() for one in own] for word in _FOREIGN
    ):
        return
    reads = Reads()
    for code in every:
        for handler in handlers(code, every):
            parsed(handler.code, handler.function, handler.data, every, reads)
    if not reads.keys:
        return
    said = Said(own, every)
    scripts = _ELEMENTS.sub("", "\n".join(one.spoken for one in every))
    every_sent = keys_sent(seen)
    sent = every_sent - {*reads.keys}
    for key, places in reads.keys.items() if sent else ():
        if key == "type" and not said.passes_on and key not in every_sent:
            told = [kind for kind in reads.kinds if kind[0] == key]
            if not told:
                continue  # events of a group have it, and nothing is told apart by it
        elif key in _COMMON or key in reads.guarded or said.has_key(key):
            continue
        code, index = places[0]
        yield _found(code, index, f"no message has {key!r}", ", ".join(sorted(sent)))
        return
    whole = said_whole(seen)
    bare = [key for key in reads.keys if key not in reads.guarded]
    if whole and bare and not whole & {*reads.keys}:
        got = f"no message has {bare[0]!r}"
        yield _found(*reads.keys[bare[0]][0], got, ", ".join(sorted(whole)))
        return
    for key, at, left in kinds.beside(whole, reads.keys, bare):
        yield _found(*at, f"no message has {key!r}", ", ".join(sorted(left)))
        return
    inside = only_inside(seen) if reads.kinds else set()
    for key, value, code, index in reads.kinds:
        others = {v for v in said.under(key) if not _stands_in(v, scripts)}
        others -= {v for k, v, *_ in reads.kinds if k == key}
        if kinds.is_a_choice(code, index, others):
            continue
        if others and (value in inside or not said.has_value(value)):
            expected = f"one of {', '.join(sorted(others))}"
            yield _found(code, index, f"no message has {key} {value!r}", expected)
            return
    yield from _of_a_kind(seen, own, every, reads)


def _of_a_kind(
    seen: Evidence, own: list[Module], every: list[Code], reads: Reads
) -> Iterator[Found]:
    """A key that messages of another kind have, read by the handler of one kind."""
    told: dict[str, list[tuple[Func, dict[str, list[tuple[Code, int]]]]]] = {}
    hearing: dict[str, list[tuple[Code, Func]]] = {}
    for _, value, code, index in reads.kinds:
        for other, one in tables.heard(code, index, value, every):
            hearing.setdefault(value, []).append((other, one))
            mine = Reads()
            is_event = re.search(r"\baddEventListener\s*\(\s*$", code.bare[:index])
            (listened if is_event else first)(other, one, every, mine, 0)
            keys = {k: v for k, v in mine.keys.items() if k not in mine.guarded}
            told.setdefault(value, []).append((one, keys))
    for _, value, code, index in reads.kinds:
        span = kinds.branch(code, index)
        function = code.around(index)
        if span is None or function is None:
            continue
        inside = {
            key: here
            for key, places in reads.keys.items()
            if key not in reads.guarded
            and (here := [p for p in places if p[0] is code and _is_in(p[1], span)])
        }
        told.setdefault(value, []).append((function, inside))
    yield from echoes.rules(seen, every, hearing)
    for kind, key, (code, index), left in kinds.odd(kinds.held(seen, own), told):
        got = f"no message of the kind {kind!r} has {key!r}"
        yield _found(code, index, got, f"one of {', '.join(sorted(left))}")
        return


def _is_in(index: int, span: Span) -> bool:
    return span[0] <= index < span[1]


def _found(code: Code, index: int, got: str, expected: str) -> Found:
    return Found(SLUG, got, code.spot(index), RANK, TRIED, expected)


def _stands_in(word: str, scripts: str) -> bool:
    word = re.escape(word)
    return bool(re.search(rf"""['"`]{word}['"`]|(?<![\w$]){word}\s*[:(]""", scripts))
