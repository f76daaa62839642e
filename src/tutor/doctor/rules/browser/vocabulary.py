"""Everything that a project could put into a message: its keys, and its words."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.models import example, is_message
from tutor.doctor.rules.browser.javascript import NAME, Code
from tutor.doctor.source import Class, Function, Module
from tutor.doctor.source.calls import is_layer, name_of
from tutor.doctor.source.walking import walk

# Where a consumer passes on what a client has said, as it is.
RELAYS = re.compile(
    r"(?<!\.receive\()text_data=text_data|send_json\(\s*(content|data|message)\b|send\(text_data\)|"
    r":\s*(content|data|text_data)\s*[,}]|\*\*(content|data|message)\b|"
    r"\.group_send\([^()]*\b(content|data)\s*\)"
)
_QUOTED = re.compile(r"""(['"`])([\w.:-]+)\1""")
_ASKED = re.compile(r"(?:\bcase|[=!]=)\s*$")  # what a word is compared with
# Where an event of a group is sent as it is, with its type.
_WHOLE = re.compile(
    r"(send_json|dumps)\(\s*(event|message|content|data|payload|\{\*\*)|\btype="
)


def relays_text(module: Module) -> bool:
    """Whether what a client has said may reach others, and its keys with it."""
    if RELAYS.search(module.text):
        return True
    for method in walk(module.tree) if "websocket_receive" in module.text else ():
        if getattr(method, "name", "") != "websocket_receive":
            continue
        read: set[int] = set()  # by the method itself
        for node in walk(method):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in ("json.loads", "loads", "print", "len"):
                read |= {id(part) for part in walk(node)}
        if any(
            getattr(getattr(node, "slice", None), "value", None) == "text"
            for node in walk(method)
            if id(node) not in read
        ):
            return True
    return False


def keys_sent(seen: Evidence) -> set[str]:
    """Keys of which it is certain that the project's consumers send them."""
    found: set[str] = set()
    for client in seen.answers.clients:
        for text in client.heard:
            try:
                told = json.loads(text)
            except ValueError:
                continue
            found |= {str(key) for key in told} if isinstance(told, dict) else set()
    for owner in seen.source.consumers():
        for method in owner.methods.values():
            for call in (n for n in walk(method.node) if isinstance(n, ast.Call)):
                name = getattr(call.func, "attr", "")
                if name not in ("send_json", "dumps"):
                    found |= _fields(method, call)
                    continue
                for one in (n for given in call.args for n in walk(given)):
                    keys = one.keys if isinstance(one, ast.Dict) else []
                    found |= {str(getattr(key, "value", "")) for key in keys if key}
    return {key for key in found if key.isidentifier()}


def _fields(method: Function, call: ast.Call) -> set[str]:
    """The fields of a message that a consumer makes of a class: ``Moved(x=1)``."""
    named = method.module.resolve(call.func, method) or ""
    one = method.module.source.classes.get(named)
    if one is None or not is_message(one):
        return set()
    return {key for key in example(one) if not key.startswith(("_", "model_"))}


SENDS = ("self.send", "self.send_json")


def said_whole(seen: Evidence) -> set[str]:
    """All keys of all messages, where each is written out as it is sent; else none."""
    found: set[str] = set()
    told: set[int] = set()
    for owner in seen.source.consumers():
        for method in owner.methods.values():
            for one, call in told_by(owner, method, SENDS):
                keys = _keys_of(one, method)
                if keys is None:
                    return set()
                found |= keys
                told.add(id(call.func))
    if any(_sends_more(one, told) for one in seen.source.all_functions()):
        return set()
    return found if "type" not in found or len(found) > 1 else set()


def told_by(
    owner: Class, method: Function, names: tuple[str, ...]
) -> Iterator[tuple[ast.expr | None, ast.Call]]:
    """What a method of a consumer sends, without ``json.dumps``, and the call."""
    for call in (n for n in walk(method.node) if isinstance(n, ast.Call)):
        if name_of(call, method) not in names:
            continue
        given = [*call.args[:1], *(word.value for word in call.keywords)]
        one = given[0] if len(given) == 1 else None
        if not owner.kind.endswith(("generic", "json")):
            one = _text_of(one)  # it sends events: the message is a text
        if isinstance(one, ast.Call) and name_of(one, method) == "json.dumps":
            one = one.args[0] if len(one.args) == 1 else None
        yield one, call


def _sends_more(function: Function, told: set[int]) -> bool:
    """Whether a function has other ways to send than those that are known."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("send", "send_json", "base_send")
        and id(node) not in told
        and not is_layer(function.module.resolve(node, function) or "")
        and getattr(getattr(node.value, "func", None), "id", "") != "super"
        for node in walk(function.node)
    )


def _text_of(event: ast.expr | None) -> ast.expr | None:
    """The text of an event that a raw consumer sends; one without keys of others."""
    if not isinstance(event, ast.Dict):
        return None
    named = {
        str(getattr(key, "value", "")): value
        for key, value in zip(event.keys, event.values, strict=True)
    }
    if not isinstance(named.get("type"), ast.Constant):
        return None
    return named.get("text", ast.Constant(""))


def _keys_of(one: ast.expr | None, method: Function) -> set[str] | None:
    """The keys of a message that is written out; None where it is not."""
    if isinstance(one, ast.Call):
        name = name_of(one, method)
        plain = name.rpartition(".")[2] in ("strftime", "isoformat")
        return set() if plain or name == "builtins.str" else None
    if isinstance(one, ast.Constant) and isinstance(one.value, str):
        return None if one.value.lstrip().startswith("{") else set()
    if not isinstance(one, ast.Dict):
        return None
    keys = [getattr(key, "value", None) for key in one.keys]
    told = {key for key in keys if isinstance(key, str)}
    return told if all(isinstance(key, str) for key in keys) else None


class Said:
    """Everything that the project's Python, and its pages, could put into a message."""

    def __init__(self, modules: list[Module], every: list[Code]) -> None:
        trees = [one.tree for one in modules]
        relays = any(relays_text(one) for one in modules)
        texts = "\n".join(one.text for one in modules)
        self.passes_on = relays or bool(_WHOLE.search(texts))
        self.keys: set[str] = set()
        self.values: set[str] = set()
        self.patterns: list[re.Pattern[str]] = []
        self.pairs: dict[str, set[str]] = {}
        names = (getattr(n, "attr", "") for tree in trees for n in walk(tree))
        self.named = bool({"__name__", "model_name", "_meta"} & {*names})
        for tree in trees:
            asked = {
                id(part)
                for n in walk(tree)
                if isinstance(n, ast.Compare | ast.MatchValue)
                for part in walk(n)
            }
            told = {
                id(v) for n in walk(tree) if isinstance(n, ast.Dict) for v in n.values
            }
            for node in walk(tree):
                if id(node) not in asked:
                    self._node(node, id(node) in told)
        for code in every if relays else ():
            text = code.script.text
            self.keys |= set(re.findall(r"([\w$]+)['\"]?\s*:(?!:)", text))
            self.values |= {
                word[2]
                for word in _QUOTED.finditer(text)
                if not _ASKED.search(text, 0, word.start())
            }

    def _node(self, node: ast.AST, is_value: bool) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.values |= {node.value, *node.value.split(".")}
            if not is_value:
                self.keys.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            self.keys.add(node.arg)
        elif isinstance(node, ast.ClassDef):
            if self.named:
                self.values |= {node.name, node.name.lower()}
            for one in node.body:
                targets = one.targets if isinstance(one, ast.Assign) else []
                targets = [one.target] if isinstance(one, ast.AnnAssign) else targets
                names = {t.id for t in targets if isinstance(t, ast.Name)}
                self.keys |= names | {f"{name}_id" for name in names}
                self.values |= {name.lower() for name in names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if self.named:
                self.values.add(node.name)
        elif isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".*"
                for p in node.values
            ]
            if any(part != ".*" for part in parts):
                self.patterns.append(re.compile("".join(parts), re.S))
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                    known = self.pairs.setdefault(str(key.value), set())
                    known.add(str(value.value))
        elif isinstance(node, ast.Call) and node.args:
            first, held = node.args[0], getattr(node.func, "value", None)
            own = getattr(held, "id", "") in ("self", "consumer")
            if own and isinstance(first, ast.Constant) and isinstance(first.value, str):
                self.pairs.setdefault("", set()).add(first.value)

    def has_key(self, key: str) -> bool:
        return key in self.keys or any(p.fullmatch(key) for p in self.patterns)

    def has_value(self, value: str) -> bool:
        known = value in self.values
        return known or any(p.fullmatch(value) for p in self.patterns)

    def under(self, key: str) -> set[str]:
        """The values that a message may have under a key.

        Where no message that is written out has the key, a method puts it in: its
        callers say the value first.
        """
        found = self.pairs.get(key) or self.pairs.get("", set())
        return {one for one in found if NAME.fullmatch(one)}
