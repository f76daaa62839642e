"""Forms of other sites' pages: whether their token is looked at where a session counts.

A browser sends the session's cookie with every form, whoever's page it is on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.source import Function
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

SLUG = "auth-csrf-not-checked"
RANK = 70
EXEMPT = "django.views.decorators.csrf.csrf_exempt"
CHECKS = "django.middleware.csrf.CsrfViewMiddleware"
_SIGNED_IN = "django.contrib.auth.middleware.AuthenticationMiddleware"
_GIVEN = ("POST", "FILES", "body")
_POSTED = "django.views.decorators.http.require_POST"
_WHO = ("login_required", "permission_required", "user_passes_test")
# Another secret than the cookie, which no other site's page has.
_SECRET = re.compile(r"(?i)token|authori[sz]ation|signature|hmac|secret|api_?key|hook")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _left_out(seen)
    for function in seen.source.functions.values():
        if not is_aside(function.module.file) and _is_exempt(function):
            secret = _SECRET.search(ast.unparse(function.node))
            if _asks_who(function) and _takes_forms(function) and not secret:
                yield Found(
                    SLUG,
                    f"{function.name} does what any page asks of whoever is logged in",
                    at(function, function.node),
                    RANK,
                    TRIED,
                    "the view without csrf_exempt",
                )
                return


def _is_exempt(function: Function) -> bool:
    """Whether a view, or the method of one, is left out of the check."""
    above = [*function.node.decorator_list]
    if function.owner is not None and function.name in ("dispatch", "post"):
        above += function.owner.node.decorator_list
    return any(
        function.module.resolve(node) == EXEMPT
        for one in above
        for node in walk(one)
        if isinstance(node, ast.Name | ast.Attribute)
    )


def _of_request(function: Function) -> set[str]:
    """What a view asks its request for."""
    named = [one.arg for one in function.node.args.args if one.arg != "self"][:1]
    whole = {*named, "self.request"}
    return {
        node.attr
        for node in walk(function.node)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in whole
    }


def _above(function: Function) -> set[str]:
    return {
        function.module.resolve(getattr(one, "func", one)) or ""
        for one in function.node.decorator_list
    }


def _takes_forms(function: Function) -> bool:
    """Whether a view reads what is posted to it, or takes nothing else."""
    of_class = function.owner is not None and function.name == "post"
    asked = _of_request(function)
    compared = "method" in asked and any(
        isinstance(node, ast.Constant) and node.value == "POST"
        for node in walk(function.node)
    )
    read = bool(asked & {*_GIVEN}) or compared
    return read or _POSTED in _above(function) or of_class


def _asks_who(function: Function) -> bool:
    """Whether a view goes by who is logged in."""
    above = {name.rpartition(".")[2] for name in _above(function)}
    return bool(_of_request(function) & {"user", "session"} or above & {*_WHO})


def _left_out(seen: Evidence) -> Iterator[Found]:
    """Sessions without the check, where a view takes the forms of who has logged in."""
    used = [str(name) for name in seen.settings.get("middleware") or []]
    if _SIGNED_IN not in used or any("csrf" in name.lower() for name in used):
        return
    own = [one for one in seen.source.modules.values() if not is_aside(one.file)]
    if any("csrf_protect" in one.text or CHECKS in one.names.values() for one in own):
        return
    every = (one for one in seen.source.functions.values() if one.module in own)
    if any(_takes_forms(one) and _asks_who(one) for one in every):
        yield Found(
            SLUG,
            "(security.W003) no CsrfViewMiddleware is in MIDDLEWARE",
            seen.setting("MIDDLEWARE"),
            RANK,
            "reading the settings",
            CHECKS,
        )
