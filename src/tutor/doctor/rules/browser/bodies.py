"""What a script sends in a request's body, against how the view there reads it.

``request.POST`` holds the fields of a form and nothing of a JSON text; a form that is
sent as such is no JSON.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import bodykeys
from tutor.doctor.rules.browser.expressions import Scope, value
from tutor.doctor.rules.browser.forms import action_of
from tutor.doctor.rules.browser.javascript import Code, Func, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.views import behind_url
from tutor.doctor.source import Function, Module, calls
from tutor.doctor.source.walking import walk

RANK = 70
DEEP = 3  # functions that call one another
FORM, JSON = "a form", "JSON"
_KEY = re.compile(r"\s*(?:([\w$]+)|['\"]([^'\"]*)['\"])\s*(?::\s*(.*))?$", re.S)
_FORM = re.compile(
    r"new\s+(?:FormData|URLSearchParams)\b|"
    r".*\.serialize(?:Array)?\(\)$|['\"`]\w+=",
    re.S,
)
_JSON = re.compile(r"(?:window\.)?JSON\.stringify\s*\(")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
# Who calls it: its address, and what is sent.
_CALLS = re.compile(
    r"(?<![\w$.])(?:window\.)?(?:(?P<fetch>fetch)|(?P<beacon>navigator\.sendBeacon)|"
    r"(?P<axios>axios\.(?:post|put|patch))|(?P<jquery>(?:\$|jQuery)\.post))\s*\("
)
_AJAX = re.compile(r"(?<![\w$.])(?:\$|jQuery)\.ajax\s*\(")
_OPENS = re.compile(r"(?<![\w$.])([\w$.]+)\.open\s*\(")
# What may make a difference of how a body is read.
_TELLS_APART = {"headers", "META", "content_type", "body", "data", "read", "stream"}


@dataclass(frozen=True)
class _Sent:
    """A request: who sends it, where, and what; of which kind that is."""

    code: Code
    index: int
    url: str
    kind: str
    verb: str
    body: Span


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    if any(map(_fills, seen.source.modules.values())):
        return
    yield from _by_get(every)
    for one in (sent for code in every for sent in _sent(code, every)):
        views = behind_url(seen, one.url, one.verb)
        if len(views) == 1 and one.kind == JSON:
            yield from bodykeys.differs(one.code, one.body, views[0])
        read = {_read(view) for view in views}
        if one.kind and len(read) == 1 and read <= {FORM, JSON} - {one.kind}:
            (wanted,) = read
            got = {JSON: "request.POST is empty", FORM: "json.loads() gets a form"}
            yield Found(
                "client-body-not-as-the-view-reads-it",
                f"{got[one.kind]}: {views[0].name}() is sent {one.kind}",
                one.code.spot(one.index),
                RANK,
                TRIED,
                f"{wanted}, or a view that reads {one.kind}",
            )
            return


def _by_get(every: list[Code]) -> Iterator[Found]:
    """``fetch(url, { body: … })`` without a method is a GET, which has no body."""
    for code in every:
        for match in _CALLS.finditer(code.bare):
            given = code.arguments(match.end() - 1) if match["fetch"] else []
            options = _options(code, given[1]) if len(given) > 1 else {}
            whole = code.plain(given[1]) if len(given) > 1 else ""
            if "body" in options and code.text(options["body"]).startswith("{"):
                yield Found(
                    "client-body-not-as-the-view-reads-it",
                    "the text '[object Object]' is sent",
                    code.spot(options["body"][0]),
                    RANK,
                    TRIED,
                    "JSON.stringify({…}), or new URLSearchParams({…})",
                )
                return
            if "body" in options and "method" not in options and "..." not in whole:
                yield Found(
                    "client-form-method-refused",
                    "TypeError: Request with GET/HEAD method cannot have body",
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    'method: "POST"',
                )
                return


def _fills(module: Module) -> bool:
    """Whether a project fills ``request.POST`` itself, as for JSON."""
    return ".POST" in module.text and any(
        isinstance(node, ast.Attribute)
        and node.attr == "POST"
        and isinstance(node.ctx, ast.Store)
        for node in walk(module.tree)
    )


def _sent(code: Code, every: list[Code]) -> Iterator[_Sent]:
    for match in _CALLS.finditer(code.bare):
        given = code.arguments(match.end() - 1)
        if len(given) < 2:
            continue
        body: Span | None = given[1]
        verb = "POST"
        if match["fetch"]:
            options = _options(code, given[1])
            body = options.get("body")
            verb = code.text(options["method"]) if "method" in options else ""
        if body is not None:
            literal = JSON if match["axios"] else FORM if match["jquery"] else ""
            yield from _resolved(code, given[0], body, verb, literal, every)
    for match in _AJAX.finditer(code.bare):
        options = _options(code, (match.end(), code.pairs.get(match.end() - 1, 0)))
        told = options.get("type") or options.get("method")
        if told and "url" in options and "data" in options:
            url, body, verb = options["url"], options["data"], code.text(told)
            yield from _resolved(code, url, body, verb, FORM, every)
    for match in _OPENS.finditer(code.bare):  # an XMLHttpRequest
        given = code.arguments(match.end() - 1)
        sends = rf"(?<![\w$.]){re.escape(match[1])}\.send\s*\("
        sent = [one.end() - 1 for one in re.finditer(sends, code.bare)]
        bodies = code.arguments(sent[0])[:1] if len(sent) == 1 else []
        if len(given) > 1 and bodies:
            verb = code.text(given[0])
            yield from _resolved(code, given[1], bodies[0], verb, "", every)


def _options(code: Code, span: Span) -> dict[str, Span]:
    """The keys of an object that is written out, or that a name stands for."""
    text = code.plain(span)
    if _NAME.fullmatch(text):
        made = [*re.finditer(rf"(?<![\w$.]){re.escape(text)}\s*=\s*(?=\{{)", code.bare)]
        span = code.expression(made[0].end()) if len(made) == 1 else span
    if not code.plain(span).startswith("{"):
        return {}
    found = {}
    for begin, end in code.arguments(code.bare.index("{", span[0])):
        match = _KEY.match(code.script.text[begin:end])
        if match is not None:
            behind = match.start(3) if match[3] else match.start(1)
            found[match[1] or match[2]] = (begin + max(behind, 0), end)
    return found


def _resolved(
    code: Code, url: Span, body: Span, verb: str, literal: str, every: list[Code]
) -> Iterator[_Sent]:
    """The requests that a call makes: as many as its function's callers, if it asks."""
    verb = re.sub(r"\W", "", verb).upper()
    if verb not in ("POST", "PUT", "PATCH", "DELETE"):
        return
    kind, address = _kind(code, body, literal), code.plain(url)
    around = code.around(url[0])
    if around is None or address not in around.given or not around.name:
        known = action_of(code, code.text(url), every)
        known = known or value(code.text(url), Scope(code.script))
        yield _Sent(code, body[0], known, kind, verb, body)
        return
    at, text = around.given.index(address), code.plain(body)
    handed = around.given.index(text) if text in around.given else None
    for other, given in _callers(around, every):
        if len(given) > max(at, handed or 0):
            known = value(other.text(given[at]), Scope(other.script))
            told, index, where = kind, body[0], code
            if handed is not None:
                told = _kind(other, given[handed], literal)
                where, index = other, given[handed][0]
            span = given[handed] if handed is not None else body
            yield _Sent(where, index, known, told, verb, span)


def _callers(function: Func, every: list[Code]) -> Iterator[tuple[Code, list[Span]]]:
    made = sum(one.name == function.name for code in every for one in code.functions)
    word = rf"(?<![\w$.])(?<!function )(?:this\.)?{re.escape(function.name)}\s*\("
    for code in every if made == 1 else ():
        for match in re.finditer(word, code.bare):
            if not any(one.start == match.start() for one in code.functions):
                yield code, code.arguments(match.end() - 1)


def _kind(code: Code, span: Span, literal: str = "") -> str:
    """Whether an expression is a form or JSON; empty where that is not certain.

    Args:
        code: the script.
        span: where it stands there.
        literal: what an object becomes that is written out.
    """
    text = code.text(span)
    if _JSON.match(text):
        return JSON
    if _FORM.match(text):
        return FORM
    if text.startswith("{"):
        return literal
    name = re.match(r"([A-Za-z_$][\w$]*)(?:\.toString\(\))?$", text)
    around = code.around(span[0])
    if name is None or (around is not None and name[1] in around.given):
        return ""
    word = rf"(?<![\w$.]){re.escape(name[1])}\s*=(?![=>])\s*"
    begin, end = around.body if around is not None else (0, len(code.bare))
    made = [*re.finditer(word, code.bare[begin:end])]
    if not made:
        begin, made = 0, [*re.finditer(word, code.bare)]
    kinds = set()
    for match in made:
        given = code.expression(begin + match.end())
        plain = not _NAME.fullmatch(code.plain(given))
        kinds.add(_kind(code, given, literal) if plain else "")
    return kinds.pop() if len(kinds) == 1 else ""


def _read(view: Function) -> str:
    """How a view reads a body; empty where it may do so in more than one way."""
    reached = [view]
    for function, _ in zip(reached, range(9 * DEEP), strict=False):  # it grows
        if function.node.decorator_list and not all(
            name.startswith("django.") for name in function.decorators()
        ):
            return ""  # who knows what it does to the request
        for call in calls.calls(function.node):
            target = calls.target_of(call, function)
            if target is not None and target not in reached:
                reached.append(target)
    nodes = [node for one in reached for node in walk(one.node)]
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    if "POST" in names and not names & _TELLS_APART:
        return FORM
    parsed = any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("json.loads", "loads", "orjson.loads")
        and node.args
        and re.search(r"\brequest\.body\b", ast.unparse(node.args[0]))
        for node in nodes
    )
    apart = {"headers", "META", "content_type", "POST", "FILES", "data"}
    return JSON if parsed and not names & apart else ""
