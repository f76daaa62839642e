"""Forms of pages: without the token that Django asks for, without the field it reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.javascript import Code
from tutor.doctor.source.walking import walk

RANK = 70
TRIED = "reading the page"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form\s*>", re.S | re.I)
_POST = re.compile(r"""\bmethod\s*=\s*["']?post\b""", re.I)
_AWAY = re.compile(r"""\baction\s*=\s*["']?(?:https?:)?//|\bhx-|\b(?:v-on|@|x-on)""")
_FIELD = re.compile(r"<(?:input|select|textarea)\b([^>]*)>", re.I)
_SILENT = re.compile(r"""\btype\s*=\s*["']?(?:submit|button|reset|image)\b""", re.I)
_FILLED = re.compile(r"\{\{|\{%(?!\s*(?:csrf_token|url)\b)")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    for page in every:
        if page.script.is_static:
            continue
        for match in _FORM.finditer(page.script.text):
            if _POST.search(match[1]) and not _AWAY.search(match[1]):
                yield from _token(seen, every, page, match)
                yield from _unnamed(seen, every, page, match)


def _token(
    seen: Evidence, every: list[Code], page: Code, form: re.Match[str]
) -> Iterator[Found]:
    """A form that is sent as it is, without the token."""
    inside = form[2]
    if CSRF not in (seen.settings.get("middleware") or []):
        return
    if re.search(r"csrf|\{%\s*(?:include|block|crispy)", inside):
        return
    others = "".join(code.bare for code in every)
    if re.search(r"csrf|preventDefault", others, re.I):
        return  # a script may send it
    if any("csrf_exempt" in one.text for one in seen.source.modules.values()):
        return
    yield Found(
        "client-form-without-csrf-token",
        "Forbidden (CSRF token missing.)",
        page.spot(form.start()),
        RANK,
        TRIED,
        "{% csrf_token %} in the form",
    )


def _unnamed(
    seen: Evidence, every: list[Code], page: Code, form: re.Match[str]
) -> Iterator[Found]:
    """A field that the browser does not send, and that a view asks for."""
    whole = "\n".join(code.script.text for code in every)
    if _FILLED.search(form[2]) or "preventDefault" in whole or "FormData" in whole:
        return
    for field in _FIELD.finditer(form[2]):
        if _SILENT.search(field[1]) or re.search(r"\bname\s*=", field[1]):
            continue
        for key in sorted(_asked(seen)):
            if not re.search(rf"\bname\s*=\s*[\"']?{re.escape(key)}(?![\w-])", whole):
                yield Found(
                    "client-form-field-not-named",
                    f"no field {key!r} is sent",
                    page.spot(form.start(2) + field.start()),
                    RANK,
                    TRIED,
                    f'name="{key}"',
                )
                return


def _asked(seen: Evidence) -> set[str]:
    """The fields that views read of a form that was sent."""
    found: set[str] = set()
    for function in seen.source.all_functions():
        for node in walk(function.node):
            key: ast.expr | None = None
            if isinstance(node, ast.Subscript) and _is_post(node.value):
                key = node.slice
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "get"
                and _is_post(node.func.value)
            ):
                key = node.args[0] if node.args else None
            if isinstance(key, ast.Constant):
                found.add(str(key.value))
    return found


def _is_post(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "POST"
