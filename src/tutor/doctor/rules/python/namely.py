"""Misspelled attributes: what an exception says for itself, and those of a request."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.slipped import is_slip
from tutor.doctor.source import Function, calls, known
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 58
SLUG = "python-attribute-misspelled"

_SETTING = re.compile(r"'Settings' object has no attribute '[A-Z_\d]+'")
_OF_SUPER = re.compile(r"AttributeError: 'super' object has no attribute '(\w+)'")
_HOOKS = sorted(known.CONSUMER_METHODS | known.INHERITED)  # of a consumer's base
_ARITY = re.compile(
    r"TypeError: [\w.<>]+\(\) (missing \d+ required |takes |got an unexpected keyword|"
    r"got multiple values)"
)
# What other kinds call the same.
_OF_ANOTHER = {
    "'set' object has no attribute 'append'": "add",
    "'set' object has no attribute 'extend'": "update",
    "'list' object has no attribute 'add'": "append",
    "'list' object has no attribute 'push'": "append",
    "'list' object has no attribute 'discard'": "remove",
    "'dict' object has no attribute 'add'": "setdefault",
    "'User' object has no attribute 'is_admin'": "is_staff",
    "'User' object has no attribute 'is_logged_in'": "is_authenticated",
    "'User' object has no attribute 'name'": "username",
    "'collections.deque' object has no attribute 'push'": "append",
    "'collections.deque' object has no attribute 'add'": "append",
}
# What no mistake of the list is, and one sentence explains.
_TOLD = (
    (
        re.compile(r"TypeError: Cannot \w+ a query once a slice"),
        "A slice is the last step: what filters or orders stands before it.",
    ),
    (
        re.compile(r"TypeError: '\w*ChannelLayer' object is not callable"),
        "self.channel_layer is the layer itself: it takes no brackets.",
    ),
    (
        re.compile(r"django\.core\.exceptions\.PermissionDenied"),
        "Only a page is answered by it: a consumer calls close().",
    ),
    (
        re.compile(r"AttributeError: '\w*QuerySet' object has no attribute"),
        "filter() gives a query, and no row of it: first() and get() give one.",
    ),
    (
        re.compile(r"\w+: '\w*Manager' object (?:is not|has no)"),
        "A manager is no list of rows: all() gives a query of them.",
    ),
)
_MEANT = re.compile(r"AttributeError: .* has no attribute '\w+'. Did you mean: ('\w+')")

# What a view asks of its request (docs.djangoproject.com: HttpRequest).
_OF_A_REQUEST = {
    *("GET", "POST", "FILES", "META", "COOKIES", "headers", "method", "path", "body"),
    *("user", "session", "content_type", "resolver_match", "get_host", "is_secure"),
}
_OF_A_USER = {"is_staff", "is_superuser", "is_authenticated", "is_anonymous"}
_OF_A_USER |= {"username", "has_perm", "get_username"}
_TOO = {"auser", "site", "scheme", "encoding"}  # alike, and there


def rules(seen: Evidence) -> Iterator[Found]:
    """``request.PSOT``: only who sends the form would meet it."""
    texts = [one.text for one in seen.source.modules.values()]
    for function in seen.source.all_functions():
        if is_aside(function.module.file):
            continue
        given = {one.arg for one in function.node.args.args}
        for node in walk(function.node):
            if isinstance(node, ast.Call):
                yield from _for_its_user(node, function, given)
                yield from _of_no_app(node, function)
            if not isinstance(node, ast.Attribute):
                continue
            meant = sorted(k for k in _OF_A_REQUEST if is_slip(node.attr, k))
            meant = [f"user.{node.attr}"] if node.attr in _OF_A_USER else meant
            if not meant or node.attr in _TOO:
                continue
            whose = ast.unparse(node.value)
            if whose != "self.request" and not (whose == "request" and whose in given):
                continue
            set_here = rf"\.{node.attr}\s*=[^=]|[\"']{node.attr}[\"']"
            if not any(re.search(set_here, one) for one in texts):
                got = f"AttributeError: a request has no attribute {node.attr!r}"
                yield Found(SLUG, got, at(function, node), RANK, TRIED, meant[0])


def _for_its_user(
    call: ast.Call, function: Function, given: set[str]
) -> Iterator[Found]:
    """``may_publish(request)``, where that function asks a user."""
    names = [getattr(one, "id", "") for one in call.args]
    if "request" not in {*names} & given:
        return
    target = calls.target_of(call, function)
    takes = [one.arg for one in target.node.args.args] if target else []
    takes = takes[1:] if target and target.owner else takes
    number = names.index("request")
    asked = {
        node.attr
        for node in (walk(target.node) if target and number < len(takes) else ())
        if isinstance(node, ast.Attribute)
        and getattr(node.value, "id", "") == takes[number]
    }
    if asked & _OF_A_USER and not asked & _OF_A_REQUEST:
        got = f"AttributeError: a request has no attribute {min(asked & _OF_A_USER)!r}"
        yield Found(SLUG, got, at(function, call), RANK, TRIED, "request.user")


def _of_no_app(call: ast.Call, function: Function) -> Iterator[Found]:
    """``has_perm("publish")``: a permission has the name of its app before a dot."""
    alone = len(call.args) == 1 and not call.keywords  # others may know an object's
    name = getattr(call.args[0], "value", None) if alone else None
    every = function.module.source.classes.values()
    own = any("has_perm" in one.methods for one in every)
    asked = getattr(call.func, "attr", "") in ("has_perm", "ahas_perm") and not own
    if asked and isinstance(name, str) and name.isidentifier():
        got, right = f"nobody but a superuser has {name!r}", f"'app.{name}'"
        hint = "A permission is named with its app: app_label.codename."
        yield Found(None, got, at(function, call), RANK, TRIED, right, hint)


def named(found: Found) -> Found:
    """The same, with the mistake's name if what was got leaves no other cause."""
    if found.slug is not None or found.place[0] is None:
        return found
    if _SETTING.search(found.got):
        return replace(found, slug="settings-name-unknown")
    if above := _OF_SUPER.match(found.got):
        near = difflib.get_close_matches(above[1], _HOOKS, 1, 0.8)
        return replace(found, slug=SLUG, expected=repr(near[0])) if near else found
    if _ARITY.match(found.got):
        return replace(found, slug="python-arguments-differ")
    if other := _OF_ANOTHER.get(found.got.removeprefix("AttributeError: ")):
        return replace(found, slug=SLUG, expected=other)
    if meant := _MEANT.match(found.got):
        return replace(found, slug=SLUG, expected=meant[1])
    told = [hint for pattern, hint in _TOLD if pattern.match(found.got)]
    return replace(found, hint=told[0]) if told and not found.hint else found
