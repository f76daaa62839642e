"""Names that a template prints, and that none of the views gives it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.consumers.written import REST, written
from tutor.doctor.rules.found import Found, Place, at
from tutor.doctor.source import Class, calls
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 67
_RENDERS = {
    "django.shortcuts.render": 2,
    "django.template.loader.render_to_string": 1,
    "django.template.response.TemplateResponse": 2,
}
# What Django's own context processors give, and what is always there.
_ALWAYS = {
    *("request", "user", "perms", "messages", "csrf_token", "debug", "sql_queries"),
    *("LANGUAGES", "LANGUAGE_CODE", "LANGUAGE_BIDI", "MEDIA_URL", "STATIC_URL"),
    *("TIME_ZONE", "DEFAULT_MESSAGE_LEVELS", "block", "forloop", "csrf_input"),
    *("_", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"),
}
# What Django's own classes give by themselves.
_OF_CLASSES = {
    *("object", "object_list", "view", "form", "formset", "paginator", "page_obj"),
    *("is_paginated", "site", "site_name", "next", "date_list", "previous_day"),
}
# Those that give none of it.
_GUARDS = ("LoginRequired", "PermissionRequired", "UserPassesTest", "Access")
_GIVE_NOTHING = {
    *(
        "django.views.View",
        "django.views.generic.View",
        "django.views.generic.base.View",
    ),
    *("django.views.generic.TemplateView", "django.views.generic.base.TemplateView"),
    *(f"django.contrib.auth.mixins.{one}Mixin" for one in _GUARDS),
}
_BLANK = re.compile(
    r"\{#.*?#\}|<!--.*?-->|\{%\s*(verbatim|comment)\b.*?\{%\s*end\1\b[^%]*%\}", re.S
)
_TAGS = re.compile(r"\{[{%].*?[%}]\}")
_PRINTED = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)([^{}]*)\}\}")
_LOOPED = re.compile(r"\{%-?\s*for\s+[\w\s,]+?\s+in\s+([A-Za-z_]\w*)([^%]*)%\}")
_ASKED = re.compile(r"\{%-?\s*(?:if|elif)\s+([^%]*)%\}")
_BOUND = re.compile(
    r"\{%-?\s*for\s+([\w\s,]+?)\s+in\b|\bas\s+(\w+)|"
    r"\{%-?\s*(?:with|blocktrans\w*)\b([^%]*)%\}|"
    r"\{%-?\s*(?:get_\w+|include)\b([^%]*)%\}"
)
_MORE = re.compile(r"\|\s*(?:default|default_if_none|yesno|firstof)\b")
_LOADS = re.compile(
    r"\{%-?\s*load\s+(?!(?:\s*(?:static|i18n|l10n|tz|cache|humanize))+\s*-?%)"
)
_FRAMEWORK = re.compile(
    r"\s(?:v-|x-|ng-|@)[a-z]+|createApp|\bVue\b|[Hh]andlebars|angular"
)


@dataclass
class _Page:
    """What views give one template, as far as all of them are written out."""

    views: list[tuple[str, Place]] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    is_certain: bool = True


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    modules = [one for one in seen.source.modules.values() if not is_aside(one.file)]
    whole = "\n".join(one.text for one in modules)
    others = re.findall(r"[\"']([\w.]+)[\"']", "".join(
        re.findall(r"context_processors[\"']\s*:\s*\[(.*?)\]", whole, re.S)
    ))  # fmt: skip
    if any(not one.startswith("django.") for one in others):
        return
    named: dict[str, int] = {}
    for module in modules:
        for node in walk(module.tree):
            name = node.value if isinstance(node, ast.Constant) else None
            if isinstance(name, str) and name.endswith(".html"):
                named[name] = named.get(name, 0) + 1
    pages = _given(seen)
    for code in every:
        file = f"/{code.script.file}"
        told = next((one for one in pages if file.endswith(f"/{one}")), None)
        if told is None or named.get(told) != len(pages[told].views):
            continue  # somebody else renders it, too
        text = _BLANK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), code.script.text)
        if _LOADS.search(text):
            continue  # a tag of its own may put names into the context
        if _FRAMEWORK.search(text) or _is_included(told, every):
            continue
        yield from _lost(code, text, pages[told])


def _is_included(name: str, every: list[Code]) -> bool:
    """Whether another template takes this one in, with names of its own."""
    word = rf"\{{%-?\s*(?:include|extends)\s+[\"']{re.escape(name)}[\"']"
    return any(re.search(word, one.script.text) for one in every)


def _given(seen: Evidence) -> dict[str, _Page]:
    """What the views give that render a template by its name."""
    found: dict[str, _Page] = {}
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            place = _RENDERS.get(calls.name_of(call, function))
            if place is None or len(call.args) < place:
                continue
            name = getattr(call.args[place - 1], "value", None)
            if not isinstance(name, str):
                continue
            told = [*call.args[place : place + 1]]
            told += [word.value for word in call.keywords if word.arg == "context"]
            one = found.setdefault(name, _Page())
            one.views.append((function.name, at(function, call)))
            for context in told:
                keys = written(context, function)
                one.is_certain &= keys is not None and REST not in keys
                one.given |= {*(keys or ())}
    for owner in seen.source.classes.values():
        name = getattr(owner.attributes.get("template_name"), "value", None)
        if isinstance(name, str) and owner.library_bases():
            one = found.setdefault(name, _Page())
            one.views.append((owner.name, (owner.module.file, owner.node.lineno)))
            bases = owner.library_bases()
            one.is_certain &= all(map(_is_known, bases))
            plain = bases and {*bases} <= _GIVE_NOTHING
            one.given |= {"view"} if plain else _OF_CLASSES
            one.given |= {*_said(seen, owner)}
    return {name: one for name, one in found.items() if one.is_certain}


def _is_known(base: str) -> bool:
    return base.startswith("django.views.") or base in _GIVE_NOTHING


def _said(seen: Evidence, owner: Class) -> Iterator[str]:
    """Every word that a view's class may give: of its own, of a route, of a model."""
    for one in owner.line_of_ancestors:
        for node in walk(one.node):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_file = node.value.endswith(".html")
                yield from () if is_file else re.findall(r"\w+", node.value)
            elif isinstance(node, ast.keyword) and node.arg:
                yield node.arg
    for route in (seen.look.get("urls") or {}).get("routes", []):
        yield from re.findall(r"<(?:\w+:)?(\w+)>", str(route))
    for name in seen.source.classes:
        last = name.rpartition(".")[2].lower()
        yield from (last, f"{last}_list")


def _lost(code: Code, text: str, page: _Page) -> Iterator[Found]:
    bound = {
        word
        for match in _BOUND.finditer(text)
        for word in re.findall(r"\w+", " ".join(one or "" for one in match.groups()))
    }
    known = page.given | _ALWAYS | bound
    read = {*re.findall(r"[A-Za-z_]\w*", " ".join(_TAGS.findall(text)))}
    unused = [] if page.given >= _OF_CLASSES else sorted(page.given - read)
    for pattern in (_PRINTED, _LOOPED, _ASKED):
        for match in pattern.finditer(text):
            name = match[1]
            if pattern is _ASKED:
                alone = re.fullmatch(r"(?:not\s+)?([A-Za-z_]\w*)\s*-?", name.strip())
                if alone is None or not unused:
                    continue
                name = alone[1]
            elif _MORE.search(match[2]):
                continue
            if name in known or _is_optional(name, text):
                continue
            yield _found(code, match.start(), name, page, unused, text)
            return


def _is_optional(name: str, text: str) -> bool:
    """Whether the template asks first whether there is one, and means to do without."""
    asks = rf"\{{%-?\s*(?:if|elif)\s+[^%]*(?<![\w.]){re.escape(name)}(?![\w])[^%]*%\}}"
    prints = rf"\{{\{{-?\s*{re.escape(name)}\b|\bin\s+{re.escape(name)}\b"
    return bool(re.search(asks, text) and re.search(prints, text))


def _found(
    code: Code, index: int, name: str, page: _Page, unused: list[str], text: str
) -> Found:
    view, where = page.views[0]
    place: Place = code.spot(index)
    tags = re.sub(r"([\"']).*?\1", "", " ".join(_TAGS.findall(text)))
    often = len(re.findall(rf"(?<![\w.]){re.escape(name)}(?![\w=])", tags))
    if not page.given or (often > 1 and not unused):
        place = where
    told = ", ".join(unused or sorted(page.given)) or "nothing"
    does_harm = unused or index in _in_scripts(text) or "json_script" in text
    return Found(
        "client-template-variable-not-given",
        f"nothing: the page {code.script.file} is given no {name}",
        place,
        RANK,
        TRIED,
        f"{name} in the context of {view}, which gives {told}",
        "Django prints a name that it does not know as nothing, and says no word.",
        "" if does_harm else "Nothing stands there, and all the rest works.",
    )


def _in_scripts(text: str) -> set[int]:
    return {
        index
        for one in re.finditer(r"<script\b.*?</script", text, re.S | re.I)
        for index in range(*one.span())
    }
