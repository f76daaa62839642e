"""What a script takes out of the answer to a request, against what the view gives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.expressions import Scope, value
from tutor.doctor.rules.browser.forms import action_of
from tutor.doctor.rules.browser.javascript import Code, Func, Span
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.consumers.written import REST, written
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.views import allowed_by, behind_url
from tutor.doctor.source import Function, calls
from tutor.doctor.source.flow import returned

RANK = 71
_FETCH = re.compile(r"(?<![\w$.])(?:window\s*\.\s*)?fetch\s*\(")
_METHOD = re.compile(r"""\bmethod\s*:\s*['"`](\w+)['"`]""")
_JSON = "django.http.JsonResponse"
_OTHER = ("django.http.", "django.shortcuts.redirect")
_COMMON = {"length", "map", "forEach", "filter", "ok", "status", "toString", "then"}


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    for code in every:
        for match in _FETCH.finditer(code.bare):
            given = code.arguments(match.end() - 1)
            if not given:
                continue
            options = " ".join(code.text(one) for one in given[1:])
            method = _METHOD.search(options)
            text = code.text(given[0])
            url = re.sub(r"^['\"`](\{%.*%\})['\"`]$", r"\1", text)
            if url == text:
                url = action_of(code, text, every) or value(text, Scope(code.script))
            verb = method[1].upper() if method else "GET"
            views = behind_url(seen, url, verb)
            allowed = allowed_by(views[0]) if len(views) == 1 else None
            if allowed and verb not in allowed and "..." not in options:
                yield Found(
                    "client-form-method-refused",
                    f"405 Method Not Allowed ({verb}): {views[0].name}()",
                    code.spot(match.start()),
                    RANK,
                    TRIED,
                    f"method: {' or '.join(sorted(allowed))}",
                )
                return
            told = (_told(views[0]) if len(views) == 1 else None) or set()
            for key, index in _read(code, match.start()) if told else ():
                if key not in told and key not in _COMMON:
                    yield Found(
                        "client-reads-another-key",
                        f"the answer of {views[0].name}() has no {key!r}",
                        code.spot(index),
                        RANK,
                        TRIED,
                        f"one of {', '.join(sorted(told))}",
                    )
                    return


def _told(view: Function) -> set[str] | None:
    """The keys of a view's answers, where each is written out as JSON."""
    found: set[str] = set()
    for node in returned(view):
        name = calls.name_of(node, view) if isinstance(node, ast.Call) else ""
        if name != _JSON:
            if name.startswith(_OTHER):
                continue
            return None
        assert isinstance(node, ast.Call)
        keys = written(node.args[0], view) if node.args else None
        if keys is None or REST in keys:
            return None
        found |= {*keys}
    return found or None


def _read(code: Code, index: int) -> Iterator[tuple[str, int]]:
    """The keys that are read of the JSON of an answer, and where."""
    around = code.around(index)
    limits = around.body if around else (0, len(code.bare))
    # const answer = await fetch(…); const data = await answer.json();
    before = code.bare[limits[0] : index]
    named = re.search(r"([A-Za-z_$][\w$]*)\s*=\s*await\s+$", before)
    if named:
        made = re.compile(
            r"(\{[^{}]*\}|[A-Za-z_$][\w$]*)\s*=\s*await\s+"
            rf"{re.escape(named[1])}\s*\.\s*json\s*\("
        ).search(code.bare, index, limits[1])
        if made:
            yield from _of(code, made[1], (made.end(), limits[1]), made.start())
        return
    # fetch(…).then((answer) => answer.json()).then((data) => …)
    bracket = code.bare.index("(", index)
    end = code.pairs.get(bracket, bracket) + 1
    is_json = False
    while then := re.compile(r"\s*\.\s*then\s*\(\s*").match(code.bare, end):
        one = code.at(then.end())
        opened = code.bare.rindex("(", end, then.end())
        if one is None or opened not in code.pairs:
            return
        if is_json:
            yield from _of(code, ", ".join(one.given), one.body, one.start)
            return
        is_json = re.search(r"\.\s*json\s*\(\s*\)", _body(code, one)) is not None
        end = code.pairs[opened] + 1


def _body(code: Code, one: Func) -> str:
    return code.plain(one.body)


def _of(code: Code, name: str, span: Span, index: int) -> Iterator[tuple[str, int]]:
    if name.startswith("{"):
        for part in name.strip("{} ").split(","):
            key = re.match(r"\s*([A-Za-z_$][\w$]*)(?!\s*[\w$]*\s*=)", part)
            if key and "=" not in part:
                yield key[1], index
        return
    if not re.fullmatch(r"[A-Za-z_$][\w$]*", name):
        return
    quoted = rf"(?<![\w$.]){re.escape(name)}\s*\[\s*(['\"])(\w+)\1\s*\](?!\s*=[^=])"
    for match in re.compile(quoted).finditer(code.spoken, *span):
        yield match[2], match.start()
    word = rf"(?<![\w$.]){re.escape(name)}\s*\.\s*([A-Za-z_$][\w$]*)(?!\s*(?:\(|=[^=]))"
    for match in re.compile(word).finditer(code.bare, *span):
        asks = re.compile(r"\s*(?:\?|\|\||&&|\))").match(code.bare, match.end())
        tests = re.search(
            r"(?:\bif\s*\(\s*!?|!|&&\s*|\|\|\s*)$", code.bare[: match.start()]
        )
        if not (tests or (asks and asks[0].strip() != ")")):
            yield match[1], match.start()
