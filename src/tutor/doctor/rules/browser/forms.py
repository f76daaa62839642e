"""Forms of pages: without their token, a field's name, or a view behind them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.layouts import laid_out
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.views import methods
from tutor.doctor.source.walking import walk

RANK = 70
TRIED = "reading the page"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form\s*>", re.S | re.I)
_POST = re.compile(r"""\bmethod\s*=\s*["']?post\b""", re.I)
_ACTION = re.compile(r"""\baction\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
LEAVES = re.compile(r"""\baction\s*=\s*["']?(?:https?:)?//|\bhx-|\b(?:v-on|@|x-on)""")
# A selector for forms as such, or a listener that hears of all of them.
_ANY = re.compile(
    r"""['"`][^'"`\n]*(?<![\w#.-])form(?![\w-])[^'"`\n]*['"`]|\bforms\b|\bclosest\b|"""
    r"""\b(?:document|body|window)\s*\.\s*addEventListener\(\s*['"`]submit"""
)
_FIELD = re.compile(r"<(?:input|select|textarea)\b([^>]*)>", re.I)
_SILENT = re.compile(r"""\btype\s*=\s*["']?(?:submit|button|reset|image)\b""", re.I)
_FILLED = re.compile(r"\{\{|\{%(?!\s*(?:csrf_token|url)\b)")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    for page in every:
        if page.script.is_static:
            continue
        for match in FORM.finditer(page.script.text):
            if _POST.search(match[1]) and not LEAVES.search(match[1]):
                yield from _token(seen, every, page, match)
                yield from _unnamed(seen, every, page, match)
                yield from _nowhere(seen, page, match)
            elif not LEAVES.search(match[1]):
                yield from _refused(seen, every, page, match)


def _token(
    seen: Evidence, every: list[Code], page: Code, form: re.Match[str]
) -> Iterator[Found]:
    """A form that is sent as it is, without the token."""
    inside = form[2]
    if CSRF not in (seen.settings.get("middleware") or []):
        return
    if re.search(r"csrf|\{%\s*(?:include|block|crispy)", inside):
        return
    whole = laid_out(page, every)  # empty where a part of it is elsewhere
    scripted = not whole or re.search(r"<script\b", whole, re.I)
    if scripted and _is_sent_by_a_script(every, form[1]):
        return
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


def _is_sent_by_a_script(every: list[Code], told: str) -> bool:
    """Whether a script may send a form itself: this one, or each that there is."""
    forms = [form[1] for code in every for form in FORM.finditer(code.script.text)]
    for code in every:
        if re.search(r"csrf", code.spoken, re.I):
            return True
        if "preventDefault" in code.spoken and (
            is_named(told, code.spoken)
            or _ANY.search(code.spoken)
            or not any(is_named(one, code.spoken) for one in forms)
        ):
            return True
    return False


def is_named(told: str, spoken: str) -> bool:
    """Whether a script names a form, by what stands in its tag."""
    named = re.findall(r"""\b(?:id|class|name)\s*=\s*["']([^"'{]+)["']""", told)
    words = [word for one in named for word in one.split()]
    return any(re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", spoken) for w in words)


def _unnamed(
    seen: Evidence, every: list[Code], page: Code, form: re.Match[str]
) -> Iterator[Found]:
    """A field that the browser does not send, and that a view asks for."""
    whole = "\n".join(code.script.text for code in every)
    if _FILLED.search(form[2]) or "preventDefault" in whole or "FormData" in whole:
        return
    asked = _asked(seen)
    others = "\n".join(one.text for one in seen.source.modules.values())
    classes = seen.source.classes.values()  # a form has fields of its own
    for field in _FIELD.finditer(form[2]):
        named = re.search(r"\bname\s*=\s*[\"']?([\w-]*)", field[1])
        if _SILENT.search(field[1]) or (
            named and re.search(rf"[\"']{named[1]}[\"']", others)
        ):
            continue
        if named and any(named[1] in one.attributes for one in classes):
            continue
        for key in sorted(asked):
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


def _nowhere(seen: Evidence, page: Code, form: re.Match[str]) -> Iterator[Found]:
    """An address that no view has, but for the slash at its end."""
    action = _ACTION.search(form[1])
    asked = (action[1] or action[2] or "").partition("?")[0] if action else ""
    routes = [str(one) for one in (seen.look.get("urls") or {}).get("routes", [])]
    plain = [one for one in routes if re.fullmatch(r"[\w/.-]+", one)]
    if not re.fullmatch(r"[\w/.-]*\w[\w/.-]*", asked) or len(plain) < 1:
        return
    end = asked.lstrip("./")
    whole = asked.startswith("/")
    same = [
        one
        for one in plain
        if one.strip("/") == end.strip("/")
        or (not whole and one.strip("/").endswith("/" + end.strip("/")))
    ]
    if not same or any(one.endswith("/") == end.endswith("/") for one in same):
        return
    place = page.spot(form.start())
    if end.endswith("/"):
        place = route(seen, same[0]) or place
    yield Found(
        "client-form-leads-nowhere",
        f"Not Found: /{end}" if end.endswith("/") else f"no redirect of a POST: {end}",
        place,
        RANK,
        TRIED,
        f"the same in the form and in the route: {same[0]!r}",
    )


def _refused(
    seen: Evidence, every: list[Code], page: Code, form: re.Match[str]
) -> Iterator[Found]:
    """A form without a method, which is sent by GET, to a view that takes POST only."""
    action = _ACTION.search(form[1])
    asked = (action[1] or action[2] or "").partition("?")[0] if action else ""
    taken = methods(seen, asked) if re.search(r"\w", asked) else None
    if taken is None or "GET" in taken or _is_sent_by_a_script(every, form[1]):
        return
    yield Found(
        "client-form-method-refused",
        f"405 Method Not Allowed (GET): {asked}",
        page.spot(form.start()),
        RANK,
        TRIED,
        'method="post"',
    )


def action_of(code: Code, told: str, every: list[Code]) -> str:
    """What a form has in its action, where a script asks: ``form.action``."""
    asked = re.fullmatch(r"([A-Za-z_$][\w$]*)\s*\.\s*action", told.strip())
    if _ITS_OWN.fullmatch(told.strip()):
        return _the_one(code, every)
    named = asked and re.search(
        rf"(?<![\w$.]){re.escape(asked[1])}\s*=\s*document\s*\.\s*(?:getElementById|"
        r"querySelector)\s*\(\s*['\"`]#?([\w-]+)['\"`]",
        code.script.text,
    )
    for page in every if named else ():
        for form in FORM.finditer(page.script.text):
            action = _ACTION.search(form[1])
            if (
                action
                and named
                and re.search(rf"\bid\s*=\s*[\"']?{named[1]}\b", form[1])
            ):
                return action[1] or action[2] or ""
    return ""


_ITS_OWN = re.compile(
    r"\$\(\s*this\s*\)\s*\.\s*(?:attr|prop)\(\s*['\"]action['\"]\s*\)|"
    r"(?:this|[\w$]+\s*\.\s*(?:currentTarget|target))\s*\.\s*action"
)


def _the_one(code: Code, every: list[Code]) -> str:
    """The action of the one form that a script names, where it asks the form itself."""
    found = {
        action[1] or action[2] or ""
        for page in every
        for form in FORM.finditer(page.script.text)
        if is_named(form[1], code.spoken) and (action := _ACTION.search(form[1]))
    }
    return found.pop() if len(found) == 1 else ""


def route(seen: Evidence, route: str) -> tuple[str, int] | None:
    """Where a page's route is written."""
    for module in seen.source.modules.values():
        if "urlpatterns" not in module.lines or "websocket" in module.file:
            continue
        for node in walk(module.tree):
            if isinstance(node, ast.Constant) and node.value == route:
                return module.file, node.lineno
    return None


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
