"""The scripts of pages, as far as a URL can be followed through them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import constants, contexts, urlobjects
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

# What a URL may hold besides text: the page's host, anything, "from the page's own
# folder on", what a caller gives, and the page's own path.
HOST, ANY, HERE, GIVEN, OWN = "\x01", "\x00", "\x02", "\x03", "\x04"
DEEP = 6
LONG = 2000  # characters between the brackets of a call
_NEW = re.compile(r"new\s+WebSocket\s*\(")
# An expression goes on in the next line behind an operator, and before one.
_WHOLE = r"((?:[^;\n]|(?<=[+?:|&])\n|(?<=[+?:|&] )\n|\n(?=[ \t]*[+?:|&]))+)"
_BOUND = re.compile(rf"\b(?:const|let|var)\s+(\w+)\s*=\s*{_WHOLE}")
_OWN = re.compile(rf"\b(this\.\w+)\s*=(?!=)\s*{_WHOLE}")
_GETTER = re.compile(r"\bget\s+(\w+)\s*\(\)\s*\{.*?\breturn\s+([^;\n]+)", re.S)
_DEFINED = re.compile(
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
_COMMENT = re.compile(r"(?<![:\w'\"`}])//[^\n]*|/\*.*?\*/|<!--.*?-->", re.S)
_OWNERS = ("", "window.", "document.", "self.")
_HOSTS = {f"{owner}location.host" for owner in _OWNERS}
_PATHS = {f"{owner}location.pathname" for owner in _OWNERS}

Spot = tuple[str, int]


@dataclass(frozen=True)
class Socket:
    """One ``new WebSocket(…)``.

    Args:
        url: its URL as far as it is known.
        options: the second argument, or an object behind it.
        place: where it stands, file and line.
        is_static: whether that file is a script, and no template.
        own: the URL as this place makes it, where a caller gives the rest.
        given: where the caller gives the rest; else the same place.
    """

    url: str
    options: str
    place: Spot
    is_static: bool
    own: str
    given: Spot


@dataclass(frozen=True)
class Script:
    """A template or a static script; comments are blank.

    Args:
        file: relative to the project.
        text: what stands in it.
        filled: the template's names of which the text is known.
        taken: the texts that it imports, and where each is written.
    """

    file: str
    text: str
    filled: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, tuple[str, Spot]] = field(default_factory=dict)

    @property
    def is_static(self) -> bool:
        return self.file.endswith(".js")

    @cached_property
    def bound(self) -> dict[str, str]:
        """Names and the expressions that they are given."""
        made = [*_OWN.findall(self.text), *_BOUND.findall(self.text)]
        got = [(f"this.{name}", text) for name, text in _GETTER.findall(self.text)]
        got += [(name, text) for name, text, _ in constants.members(self.text)]
        got += [(name, text) for name, (text, _) in self.taken.items()]
        got += urlobjects.apart(self.text).items()
        return {name: text.replace("\n", " ") for name, text in [*got, *made]}

    def spot(self, index: int) -> Spot:
        return self.file, self.text.count("\n", 0, index) + 1


@dataclass(frozen=True)
class Scope:
    """What names stand for at one place of a script."""

    script: Script
    known: dict[str, str] = field(default_factory=dict)
    depth: int = 0


def sockets(seen: Evidence) -> Sequence[Socket]:
    """Every socket that a template or a static script opens."""
    return seen.once(_sockets)


def _sockets(seen: Evidence) -> Iterator[Socket]:
    every = [(one.file, one.text) for one in texts(seen)]
    scripts = [
        replace(one, taken=constants.taken(one.text, every)) for one in texts(seen)
    ]
    for script in scripts:
        for match in _NEW.finditer(script.text):
            yield from _opened(script, match, scripts)


def texts(seen: Evidence) -> Sequence[Script]:
    """Every template and static script, and the pages that are texts of a view."""
    return seen.once(_scripts)


def _scripts(seen: Evidence) -> Iterator[Script]:
    folders = [
        f
        for e in ("templates", "static")
        for f in (seen.look.get(e) or {}).get("folders", [])
    ]
    done: set[Path] = set()
    for folder in folders:
        for path in sorted((seen.home / folder).rglob("*")):
            known = path in done or ".min." in path.name
            if known or path.suffix not in (".html", ".js"):
                continue
            done.add(path)
            try:
                text = path.read_text("utf-8", "replace")
            except OSError:
                continue
            file, text = path.relative_to(seen.project).as_posix(), _plain(text)
            yield Script(file, text, contexts.filled(seen, file, text))
    for module in seen.source.modules.values():
        if not is_aside(module.file) and _NEW.search(module.text):
            yield from _in_python(module)


def _plain(text: str) -> str:
    """A script with its comments blanked out."""
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _in_python(module: Module) -> Iterator[Script]:
    """The pages that are texts of a view."""
    for node in walk(module.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if _NEW.search(node.value):
            above = "\n" * (node.lineno - 1)
            yield Script(module.file, above + _plain(node.value))


def _opened(
    script: Script, match: re.Match[str], scripts: list[Script]
) -> Iterator[Socket]:
    """The socket; as many times as there are callers that give a part of its URL."""
    arguments = _arguments(script.text, match.end())
    if not arguments:
        return
    name, parameters, own = "", list[str](), value(arguments[0], Scope(script))
    for around in _definitions(script.text, match.start()):
        name, parameters = around
        scope = Scope(script, dict.fromkeys(parameters, GIVEN))
        own = value(arguments[0], scope)
        if GIVEN in own:
            break
    own += _fragment(script, arguments[0], scripts)
    more = [argument.strip() for argument in arguments[1:]]
    more = [script.bound.get(argument, argument) for argument in more]
    if host := _host_of(arguments[0].strip(), script):
        own = own.replace(HOST, host, 1)
    options = next((one for one in more if one.startswith("{")), "".join(more[:1]))
    spot = script.spot(match.start())
    one = Socket(own, options, spot, script.is_static, own, spot)
    called = [
        (other, index, given)
        for other, index, given in (_calls(name, scripts) if GIVEN in own else ())
        if other is not script or not {*map(str.strip, given)} & {*parameters}
    ]  # who calls itself hands on what it was given
    for other, index, given in called:
        values = [value(expression, Scope(other)) for expression in given]
        known = dict(zip(parameters, values, strict=False))
        url = value(arguments[0], Scope(script, known))
        url += _fragment(script, arguments[0], scripts)
        url = url.replace(HOST, host, 1) if host else url
        written = [other.taken[e][1] for g in given if (e := g.strip()) in other.taken]
        yield replace(one, url=url, given=[*written, other.spot(index)][0])
    if not called:
        yield replace(one, url=own.replace(GIVEN, ANY))


# The page's own address, with all that stands in it.
_ADDRESS = re.compile(
    r"new\s+URL\(\s*(?:(?:window|document|self)\.)?(?:location(?:\.href)?|URL)\s*\)"
)
_JUMPS = re.compile(r"""\bhref\s*=\s*["']#[\w-]|\blocation\.hash\s*=(?!=)""")


def _fragment(script: Script, expression: str, scripts: list[Script]) -> str:
    """What ``url.hash = …`` puts behind a URL that is an object, or a link of a page.

    A URL that is made of the page's own address keeps the # part of it.
    """
    name = re.match(r"\s*([\w$.]+?)(?:\.href|\.toString\(\))?\s*$", expression)
    given = rf"(?<![\w$.]){re.escape(name[1])}\.hash\s*=(?!=)" if name else r"(?!)"
    if re.search(given, script.text):
        emptied = rf"{given}\s*(['\"`])\1"
        return "" if re.search(emptied, script.text) else "#"
    made = script.bound.get(name[1], name[1]) if name else expression
    kept = _ADDRESS.fullmatch(made.strip()) is not None
    return "#" if kept and any(_JUMPS.search(one.text) for one in scripts) else ""


def _host_of(name: str, script: Script) -> str:
    """The host that a URL object is given after it was made, if that is a text."""
    if not re.fullmatch(r"[\w$.]+", name):
        return ""
    word = (
        rf"(?<![\w$.]){re.escape(name)}\.host(?:name)?\s*=(?!=)\s*(['\"])([\w.:-]+)\1"
    )
    found = re.search(word, script.text)
    return found[2] if found else ""


def _definitions(text: str, index: int) -> list[tuple[str, list[str]]]:
    """The classes and functions around a place, innermost first: name, parameters."""
    found: list[tuple[str, list[str]]] = []
    for match in _DEFINED.finditer(text, 0, index):
        if match["kind"]:
            made = re.search(r"\bconstructor\s*\(", text[match.end() :])
            end = _closing(text, match.end())
            start = match.end() + made.end() if made else -1
        else:
            start = match.end()
            body = re.compile(r"\s*(?:=>\s*)?\{?").match(
                text, _closing(text, start) + 1
            )
            end = _closing(text, body.end()) if body and "{" in body[0] else -1
        if index < end:
            names = _arguments(text, start) if 0 <= start < end else []
            words = [re.match(r"\s*([\w$]+)", name) for name in names]
            kinds = ("kind", "function", "arrow", "part", "named", "method")
            name = next(match[kind] for kind in kinds if match[kind])
            found.insert(0, (name, [word[1] if word else "" for word in words]))
    return found


def _calls(name: str, scripts: list[Script]) -> list[tuple[Script, int, list[str]]]:
    """Where a function is called or a class is made, and what it is given."""
    pattern = re.compile(
        rf"(?<![\w$])(?<!function ){re.escape(name)}\s*\((?!.*\)\s*\{{$)", re.M
    )
    return [
        (script, match.start(), _arguments(script.text, match.end()))
        for script in scripts
        for match in pattern.finditer(script.text)
    ]


@lru_cache(1000)
def _closing(text: str, start: int) -> int:
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


def _arguments(text: str, start: int) -> list[str]:
    """The arguments of a call, split at its outermost commas."""
    inside = text[start : _closing(text[: start + LONG], start)]
    return _split(inside, ",") if inside.strip() else []


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
    if term in scope.known:
        return scope.known[term]
    if listed := _LIST.fullmatch(term):
        return listed[3].join(value(one, scope) for one in _split(listed[1], ","))
    if made := re.match(r"new\s+URL\s*\(", term):
        return _joined(_arguments(term, made.end()), scope)
    if term.endswith((".href", ".toString()")):
        return value(term.rpartition(".")[0], scope)
    if made := re.match(r"(?:this\.)?([\w$]+)\s*\(", term):
        return _result(made[1], _arguments(term, made.end()), scope)
    bound = scope.script.bound
    if term not in bound:
        return ANY
    told = value(bound[term], scope)
    is_url = bound[term].lstrip().startswith("new URL")
    return urlobjects.changed(term, told, script.text) if is_url else told


def _result(name: str, arguments: list[str], scope: Scope) -> str:
    """What a function of the same script returns."""
    text = scope.script.text
    for match in _DEFINED.finditer(text):
        kinds = ("function", "arrow", "part", "named", "method")
        if name not in [match[kind] for kind in kinds]:
            continue
        end = _closing(text, match.end())
        words = [re.match(r"\s*([\w$]+)", one) for one in _arguments(text, match.end())]
        body = re.compile(r"\)\s*(?:=>\s*)?(\{)?").match(text, max(end, 0))
        if body is None or end < 0:
            continue
        rest = text[body.end() : body.end() + LONG]
        if body[1]:
            rest = rest[: _closing(rest, 0)]
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
