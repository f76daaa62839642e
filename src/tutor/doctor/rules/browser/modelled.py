"""What a page sends, against the models by which a consumer checks what it gets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import is_message
from tutor.doctor.rules.browser.dialogue import consumer_of
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.sending import messages
from tutor.doctor.rules.browser.socketurls import Socket
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source import Class, Function, Module, calls
from tutor.doctor.source.walking import walk

RANK = 69
DEEP = 3  # names for names
SLUG = "client-sends-another-key"
_SENDS = re.compile(r"\bsend\w*\s*\(\s*(?:JSON\.stringify\s*\(\s*)?(?=\{)")
_PART = re.compile(
    r"""\s*['"]?([\w$]+)['"]?\s*(?::\s*(?:'([^']*)'|"([^"]*)"|(.+)))?""", re.S
)
_WORD = re.compile(r"""(['"`])([^'"`]*)\1""")


@dataclass(frozen=True)
class Checked:
    """All messages that one consumer takes, and where they are put together."""

    kinds: tuple[Class, ...]
    place: Place
    owner: str


def rules(seen: Evidence, every: list[Code], opened: list[Socket]) -> Iterator[Found]:
    checked = [*_checked(seen)]
    said = [one for code in every for one in _said(code, every)] if checked else []
    for code, index, keys in said:
        fits = [
            kind
            for one in checked
            for kind in one.kinds
            for name, word in _words(kind)
            if keys.get(name) == word
        ]
        got = next((text for kind in fits if (text := _refused(kind, keys))), "")
        if fits and all(_refused(kind, keys) for kind in fits):
            expected = ", ".join(sorted(_fields(fits[0])))
            yield Found(SLUG, got, code.spot(index), RANK, TRIED, expected)
            return
    for _, _, keys in said:
        yield from _in_no_union(seen, checked, keys)
    if len(checked) == 1:
        yield from _of_no_kind(checked[0], said)
    yield from _without_a_word(seen, every, opened, checked)


def _of_no_kind(
    checked: Checked, said: list[tuple[Code, int, dict[str, str]]]
) -> Iterator[Found]:
    """A word that no message has, from a script that says another one rightly."""
    words = [dict(_words(kind)) for kind in checked.kinds]
    for name in set.intersection(*(set(one) for one in words)):
        known = {
            one[name]: kind for one, kind in zip(words, checked.kinds, strict=True)
        }
        at_home = {id(code) for code, _, keys in said if keys.get(name) in known}
        for code, index, keys in said:
            word = keys.get(name)
            if not word or word in known or id(code) not in at_home:
                continue
            place = code.spot(index)
            for kind in known.values():  # its own name says whose slip it is
                if kind.name.lower() == word.lower():
                    place = kind.module.file, _fields(kind)[name].lineno
            got = f"{word!r} is refused: none of {', '.join(sorted(known))}"
            yield Found(SLUG, got, place, RANK, TRIED, f"the same {name} on both sides")
            return


def _without_a_word(
    seen: Evidence, every: list[Code], opened: list[Socket], checked: list[Checked]
) -> Iterator[Found]:
    """What a script sends without the key that tells all messages apart."""
    for code in every if checked else ():
        for name in code.sockets:
            owner = consumer_of(seen, opened, code, name)
            mine = [one for one in checked if owner and one.owner == owner.dotted]
            words = [dict(_words(kind)) for one in mine for kind in one.kinds]
            needed = {key for told in words for key in told}
            for sent in messages(code, name, every) if all(words) else ():
                if needed and not needed & {*sent.held}:
                    yield Found(
                        SLUG,
                        f"a message without {', '.join(sorted(needed))} is refused",
                        sent.code.spot(sent.index),
                        RANK,
                        TRIED,
                        f"one of {', '.join(one for d in words for one in d.values())}",
                    )
                    return


def _in_no_union(
    seen: Evidence, checked: list[Checked], keys: dict[str, str]
) -> Iterator[Found]:
    """A model for what a page sends, among those that no consumer is given."""
    taken = {kind.dotted for one in checked for kind in one.kinds}
    known = {pair for one in checked for kind in one.kinds for pair in _words(kind)}
    for one in seen.source.classes.values():
        if one.dotted in taken or not is_message(one):
            continue
        for name, word in _words(one):
            if keys.get(name) != word or (name, word) in known:
                continue
            for other in checked:
                if other.place[0] == one.module.file:
                    yield Found(
                        SLUG,
                        f"{word!r} is refused: {one.name} is none of the messages",
                        other.place,
                        RANK,
                        TRIED,
                        f"{one.name} among the messages that are taken",
                    )
                    return


def _checked(seen: Evidence) -> Iterator[Checked]:
    """The messages of each consumer that has them checked by an adapter."""
    routed = {leaf.get("consumer") for leaf in seen.leaves}
    done: set[Place] = set()
    for owner in seen.source.consumers():
        line = [method for one in owner.line_of_ancestors for method in _methods(one)]
        line += [
            one
            for method in line
            for call in calls.calls(method.node)
            if (one := calls.target_of(call, method)) is not None and one not in line
        ]
        for method in line if owner.dotted in routed else ():
            for node in walk(method.node):
                if not (
                    isinstance(node, ast.Attribute)
                    and node.attr.startswith("validate_")
                    and isinstance(node.value, ast.Name | ast.Attribute)
                ):
                    continue
                bound = _bound(node.value, method, owner)
                if bound is None:
                    continue
                module, made = bound
                kinds = [one for one in _kinds(module, made) if is_message(one)]
                place: Place = (module.file, made.lineno)
                if kinds and place not in done:
                    done.add(place)
                    yield Checked(tuple(kinds), place, owner.dotted)


def _methods(one: Class) -> list[Function]:
    return [*one.methods.values()]


def _bound(
    node: ast.expr, method: Function, owner: Class
) -> tuple[Module, ast.expr] | None:
    """The adapter behind a name or an attribute, in the module that makes it."""
    found = _of_class(node, owner) or _value(node, method.module, method)
    for _ in range(DEEP):
        if found is None or isinstance(found[1], ast.Call):
            break
        found = _value(found[1], found[0])
    if found is None or not isinstance(found[1], ast.Call):
        return None
    made = found[0].resolve(found[1].func) or ""
    return found if made.endswith("TypeAdapter") else None


def _of_class(node: ast.expr, owner: Class) -> tuple[Module, ast.expr] | None:
    """What stands behind ``self.commands`` in a consumer that is met."""
    if not isinstance(node, ast.Attribute) or getattr(node.value, "id", "") != "self":
        return None
    for one in owner.line_of_ancestors:
        if (given := one.attributes.get(node.attr)) is not None:
            return one.module, given
    return None


def _value(
    node: ast.expr, module: Module, method: Function | None = None
) -> tuple[Module, ast.expr] | None:
    """The one value of a name, in the module where it is given."""
    name = getattr(node, "id", "")
    if isinstance(node, ast.Attribute):
        other = module.source.modules.get(module.resolve(node.value, method) or "")
        module, name = (other, node.attr) if other else (module, "")
    elif name in module.names:
        path, _, name = module.names[name].rpartition(".")
        found = module.source.modules.get(path)
        if found is None:
            return None
        module = found
    values = module.values.get(name, [])
    return (module, values[0]) if len(values) == 1 else None


def _kinds(module: Module, made: ast.expr, depth: int = 0) -> Iterator[Class]:
    """The classes in what an adapter is made of, also behind a name for several."""
    for part in walk(made):
        if not isinstance(part, ast.Name | ast.Attribute):
            continue
        kind = module.source.classes.get(module.resolve(part) or "")
        if kind is not None:
            yield kind
        elif depth < DEEP and (behind := _value(part, module)) is not None:
            yield from _kinds(*behind, depth + 1)


def _fields(kind: Class) -> dict[str, ast.AnnAssign]:
    return {
        node.target.id: node
        for one in reversed(kind.line_of_ancestors)
        for node in one.node.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _words(model: Class) -> Iterator[tuple[str, str]]:
    """The field that tells a message apart, and its word: ``Literal['hello']``."""
    for name, node in _fields(model).items():
        note = node.annotation
        told = note.slice if isinstance(note, ast.Subscript) else None
        kind = ast.unparse(note).partition("[")[0].rpartition(".")[2]
        if kind == "Literal" and isinstance(told, ast.Constant):
            yield name, str(told.value)


def _refused(kind: Class, keys: dict[str, str]) -> str:
    """Why a model does not take a message with these keys; empty if it may."""
    text = "".join(ast.unparse(one.node) for one in kind.line_of_ancestors)
    if "alias" in text or "model_validator" in text or "extra='allow'" in text:
        return ""
    fields = _fields(kind)
    missing = [n for n, node in fields.items() if _is_needed(node) and n not in keys]
    strange = sorted(keys.keys() - fields.keys())
    if missing:
        return f"{missing[0]}: Field required" + (
            f"; the page sends {', '.join(strange)}" if strange else ""
        )
    if strange and "extra='forbid'" in text:
        return f"{strange[0]}: Extra inputs are not permitted"
    return ""


def _is_needed(node: ast.AnnAssign) -> bool:
    if node.value is None or getattr(node.value, "value", None) is ...:
        return True
    if not isinstance(node.value, ast.Call):
        return False
    given = {word.arg for word in node.value.keywords}
    first = [getattr(one, "value", None) for one in node.value.args[:1]]
    return not given & {"default", "default_factory", None} and first in ([], [...])


def _said(code: Code, every: list[Code]) -> Iterator[tuple[Code, int, dict[str, str]]]:
    """The objects that a script sends, each with its keys and their plain words."""
    for name in code.sockets:
        for one in messages(code, name, every):
            words = {
                k: m[2] if (m := _WORD.fullmatch(v)) else ""
                for k, v in one.held.items()
            }
            yield one.code, one.index, words
    for match in _SENDS.finditer(code.bare):
        keys: dict[str, str] | None = {}
        for span in code.arguments(match.end()):
            part = _PART.fullmatch(code.text(span).strip().rstrip(","))
            if not code.text(span).strip():
                continue
            if part is None or keys is None:
                keys = None  # something is unpacked, or computed
                continue
            keys[part[1]] = part[2] or part[3] or ""
        if keys:
            yield code, match.start(), keys
