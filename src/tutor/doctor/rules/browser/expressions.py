"""What an expression of a script is as text, as far as it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from tutor.doctor.rules.browser import textmethods, urlobjects
from tutor.doctor.rules.browser.scripts import Script

# What a URL may hold besides text: the page's host, anything, "from the page's own
# folder on", what a caller gives, and the page's own path.
HOST, ANY, HERE, GIVEN, OWN = "\x01", "\x00", "\x02", "\x03", "\x04"
DEEP = 6
LONG = 2000  # characters between the brackets of a call
DEFINED = re.compile(
    r"\bclass\s+(?P<kind>\w+)[^{(]*\{|\bfunction\s+(?P<function>\w+)\s*\(|"
    r"\b(?:const|let|var)\s+(?P<arrow>\w+)\s*=\s*(?:async\s*)?(?:function\s*)?\(|"
    # window.open = function (…), open: (…) =>, and the method of a class
    r"\b(?P<part>\w+)\s*[:=]\s*(?:async\s*)?function\s*\w*\s*\(|"
    r"\b(?P<named>\w+)\s*[:=]\s*(?:async\s*)?\((?=[\w\s,={}$]*\)\s*=>)|"
    r"^\s*(?:async\s+|static\s+)*(?!(?:if|for|while|switch|catch|constructor|function)\b)"
    r"(?P<method>\w+)\s*\((?=[\w\s,={}$]*\)\s*\{)",
    re.M,
)
_LIST = re.compile(r"\[([^\]]*)\]\s*\.join\(\s*(['\"`])([^'\"`]*)\2\s*\)")
_OWNERS = ("", "window.", "document.", "self.")
_HOSTS = {f"{owner}location.host" for owner in _OWNERS}
_PATHS = {f"{owner}location.pathname" for owner in _OWNERS}
_ORIGINS = {f"{owner}location.origin" for owner in _OWNERS}


@dataclass(frozen=True)
class Scope:
    """What names stand for at one place of a script."""

    script: Script
    known: dict[str, str] = field(default_factory=dict)
    depth: int = 0


@lru_cache(1000)
def closing(text: str, start: int) -> int:
    """The place of the bracket that closes the one before ``start``; -1 without."""
    depth, quote = 0, ""
    for index in range(start, len(text)):
        char = text[index]
        if quote:
            quote = "" if char == quote and text[index - 1] != "\\" else quote
        elif char in "'\"`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            if not depth:
                return index
            depth -= 1
    return -1


def arguments_of(text: str, start: int) -> list[str]:
    """The arguments of a call, split at its outermost commas."""
    inside = text[start : closing(text[: start + LONG], start)]
    return _split(inside, ",") if inside.strip() else []


def assigned(text: str) -> tuple[str, str]:
    """A parameter and its default: ``wait = 5``; the second is empty without one."""
    outer = _outer(text)
    match = re.search(r"(?<![=!<>])=(?![=>])", outer)
    if match is None:
        return text.strip(), ""
    return text[: match.start()].strip(), text[match.end() :].strip()


def value(expression: str, scope: Scope) -> str:
    """A JavaScript expression as text: the host and the unknown as one character."""
    expression = expression.strip()
    if scope.depth > DEEP:
        return ANY
    scope = replace(scope, depth=scope.depth + 1)
    if "?" in _outer(expression):
        yes = expression[_outer(expression).index("?") + 1 :]
        branches = [value(branch, scope) for branch in _split(yes, ":")]
        return max(branches, key=lambda branch: branch.startswith("wss"))
    return "".join(_term(term.strip(), scope) for term in _split(expression, "+"))


def _term(term: str, scope: Scope) -> str:
    quote, script = term[:1], scope.script
    if quote == "(" and term.endswith(")") and _outer(term).strip() == "":
        return value(term[1:-1], scope)
    if quote in ("'", '"') and term.endswith(quote) and len(term) > 1:
        return _tags(term[1:-1], script)
    if quote == "`" and term.endswith("`"):
        filled = re.sub(r"\$\{([^}]*)\}", lambda m: value(m[1], scope), term[1:-1])
        return _tags(filled, script)
    if term in _HOSTS:
        return HOST
    if term in _PATHS:
        return OWN
    if term in _ORIGINS:
        return f"http://{HOST}"
    if term in scope.known:
        return scope.known[term]
    if listed := _LIST.fullmatch(term):
        return listed[3].join(value(one, scope) for one in _split(listed[1], ","))
    if (method := textmethods.called(term)) and closing(term, 0) < 0:
        told = value(method[0], scope)
        if GIVEN in told:
            return told  # it is done with what a caller gives
        changed = textmethods.result(told, method[1]) if ANY not in told else None
        return ANY if changed is None else changed
    if made := re.match(r"new\s+URL\s*\(", term):
        return _joined(arguments_of(term, made.end()), scope)
    if term.endswith((".href", ".toString()")):
        return value(term.rpartition(".")[0], scope)
    if made := re.match(r"(?:this\.)?([\w$]+)\s*\(", term):
        return _result(made[1], arguments_of(term, made.end()), scope)
    bound = scope.script.bound
    if term not in bound:
        return ANY
    told = value(bound[term], scope)
    is_url = bound[term].lstrip().startswith("new URL")
    return urlobjects.changed(term, told, script.text) if is_url else told


def _result(name: str, arguments: list[str], scope: Scope) -> str:
    """What a function of the same script returns."""
    text = scope.script.text
    for match in DEFINED.finditer(text):
        kinds = ("function", "arrow", "part", "named", "method")
        if name not in [match[kind] for kind in kinds]:
            continue
        end = closing(text, match.end())
        words = [
            re.match(r"\s*([\w$]+)", one) for one in arguments_of(text, match.end())
        ]
        body = re.compile(r"\)\s*(?:=>\s*)?(\{)?").match(text, max(end, 0))
        if body is None or end < 0:
            continue
        rest = text[body.end() : body.end() + LONG]
        if body[1]:
            rest = rest[: closing(rest, 0)]
        found = re.search(r"\breturn\s+([^;\n]+)" if body[1] else r"\s*([^;\n]+)", rest)
        if found:
            given = [value(one, scope) for one in arguments]
            names = [word[1] if word else "" for word in words]
            known = {**scope.known, **dict(zip(names, given, strict=False))}
            return value(found[1], replace(scope, known=known))
    return ANY


def _joined(arguments: list[str], scope: Scope) -> str:
    """``new URL(path, base)``, whose base is taken for the page's own."""
    if len(arguments) < 2:
        return value(arguments[0], scope) if arguments else ANY
    path = value(arguments[0], scope)
    if re.match(r"\w+:", path):
        return path
    path = re.sub(r"^(\.\.?/)+", "", path)  # from here, or from a folder above
    fixed = re.match(r"(\w+)://([\w.:-]+)", value(arguments[1], scope))
    if fixed:  # http:// becomes ws:// by itself
        scheme = fixed[1].replace("http", "ws")
        return f"{scheme}://{fixed[2]}/{path.lstrip('/')}"
    return f"ws://{HOST}" + (path if path.startswith("/") else f"/{HERE}{path}")


def _tags(text: str, script: Script) -> str:
    """A template fills in its tags; a static script does not."""

    def fill(match: re.Match[str]) -> str:
        if "get_host" in match[1]:
            return HOST
        return script.filled.get(match[1].strip(), ANY)

    return text if script.is_static else re.sub(r"\{\{(.*?)\}\}", fill, text)


@lru_cache(1000)
def _outer(text: str) -> str:
    """The text with all that stands in quotes and brackets blanked out."""
    out, depth, quote, before = "", 0, "", ""
    for char in text:
        inside = bool(quote) or depth > 0
        if quote:
            quote = "" if char == quote and before != "\\" else quote
        elif char in "'\"`":
            quote, inside = char, True
        elif char in "([{":
            depth, inside = depth + 1, True
        elif char in ")]}":
            depth -= 1
        out += " " if inside or char in ")]}" else char
        before = char
    return out


def _split(text: str, sign: str) -> list[str]:
    """The text cut at a sign that stands in no quotes and no brackets."""
    parts, begin = [], 0
    for index, char in enumerate(_outer(text)):
        if char == sign:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]
