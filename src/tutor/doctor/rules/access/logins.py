"""The way in and out of the pages: where a login is asked for, and a logout."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access.users import MIDDLEWARE
from tutor.doctor.rules.browser import scripts
from tutor.doctor.rules.found import TRIED, Found, Place, at
from tutor.doctor.source import Function, calls
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 68
_GUARDS = (
    "django.contrib.auth.decorators.login_required",
    "django.contrib.auth.mixins.LoginRequiredMixin",
    "django.contrib.auth.mixins.AccessMixin",
)
# <a href="/logout/">, location.href = '/logout/', location.assign('/logout/')
_LINK = re.compile(
    r"""<a\b[^>]*?\bhref\s*=\s*(?P<quote>["'])(?P<link>.*?)(?P=quote)|"""
    r"""\blocation(?:\.href)?\s*=\s*(?P<sign>["'`])(?P<set>.*?)(?P=sign)|"""
    r"""\blocation\.(?:assign|replace)\(\s*(?P<mark>["'`])(?P<call>.*?)(?P=mark)""",
    re.S,
)
_NAMED = re.compile(r"\{%\s*url\s+['\"]([\w:.-]+)['\"]\s*%\}")
_SCRIPTED = re.compile(r"\bhx-post\b|\bdata-method\s*=\s*[\"']?post", re.I)


_USERS = ("django.contrib.auth.models.User", "django.contrib.auth.get_user_model()")
_STORES = ("", "create", "acreate", "get_or_create", "aget_or_create")


def rules(seen: Evidence) -> Iterator[Found]:
    for function in seen.source.functions.values():
        yield from _plain(seen, function)
    doors = seen.look.get("doors") or {}
    yield from _nowhere(seen, doors)
    for one in doors.get("posts") or ():
        yield from _linked(seen, one)
    for name, path in (doors.get("lost") or {}).items():
        place = seen.setting(name)
        if place[1] is not None and doors.get("elsewhere"):
            got, right = f"Not Found: {path}", "the path or the name of a page"
            tried = f"asking for the page that {name} names"
            yield Found("client-page-not-there", got, place, RANK + 10, tried, right)


def _plain(seen: Evidence, function: Function) -> Iterator[Found]:
    """A user with a password that nothing has hashed."""
    for call in calls.calls(function.node):
        given = [word.value for word in call.keywords if word.arg == "password"]
        path = calls.name_of(call, function) if given else ""
        model, _, method = path.partition(".objects.")
        one = seen.source.classes.get(model)
        own = one is not None and any(
            base.endswith(("AbstractUser", "AbstractBaseUser"))
            for base in one.library_bases()
        )
        if not given or method not in _STORES or not (own or model in _USERS):
            continue
        hashed = re.search(r"(?i)make_password|hash|None", ast.unparse(given[0]))
        later = "set_password" in ast.unparse(function.node)
        if not hashed and not later and _is_typed(seen, function, given[0]):
            yield Found(
                "auth-password-not-hashed",
                "the login is refused: the password is stored as it is",
                at(function, call),
                RANK,
                TRIED,
                "create_user(…), which hashes the password",
            )


def _is_typed(seen: Evidence, function: Function, given: ast.expr) -> bool:
    """Whether somebody logs in with a password; a test may have no need of it."""
    if not is_aside(function.module.file):
        return True
    if re.search(r"\.a?login\(|\bauthenticate\(", function.module.text):
        return True
    every = [getattr(n, "value", None) for n in walk(function.module.tree)]
    word = getattr(given, "value", None)
    return isinstance(word, str) and every.count(word) > 1


def _nowhere(seen: Evidence, doors: Event) -> Iterator[Found]:
    """A page that sends visitors to a login which is not there."""
    if not doors or doors.get("login") or not doors.get("url"):
        return
    place = seen.setting("LOGIN_URL")
    if place[1] is None:
        pages = seen.source.modules.get(str(seen.settings.get("urlconf")))
        if pages is None:
            return
        place = pages.file, pages.lines.get("urlpatterns")
        if not doors.get("elsewhere"):
            return  # no login is there yet
    if _is_guarded(seen, doors.get("modules")):
        yield Found(
            "auth-login-page-not-there",
            str(doors.get("got") or f"Not Found: {doors['url']}"),
            place,
            RANK,
            "asking for the page that LOGIN_URL names",
            "a page with a login",
        )


def _is_guarded(seen: Evidence, routed: list[str] | None) -> bool:
    """Whether a view asks for a login, and names no page for that itself.

    Args:
        routed: the modules whose views have routes; others are of no use yet.
    """
    if MIDDLEWARE in (seen.settings.get("middleware") or []):
        return True
    for function in seen.source.all_functions():
        if routed is not None and function.module.name not in routed:
            continue
        for node in function.node.decorator_list:
            name = function.module.resolve(getattr(node, "func", node)) or ""
            if name == _GUARDS[0] and not getattr(node, "keywords", None):
                return True
    return any(
        set(_GUARDS[1:]) & one.library_bases()
        and not any("login_url" in kind.attributes for kind in one.line_of_ancestors)
        for one in seen.source.classes.values()
        if routed is None or one.module.name in routed
    )


def _linked(seen: Evidence, door: Event) -> Iterator[Found]:
    """A link to what takes a form only."""
    for page in scripts.texts(seen):
        for match in _LINK.finditer(page.text):
            told = match["link"] or match["set"] or match["call"] or ""
            tag = page.text[match.start() : page.text.find(">", match.start())]
            if _leads(told.strip(), door) and not _SCRIPTED.search(tag):
                yield _by_link(door, page.spot(match.start()))
                return
    for function in seen.source.all_functions():
        for call in calls.calls(function.node):
            name = calls.name_of(call, function)
            given = [getattr(one, "value", None) for one in call.args[:1]]
            leads = bool({*given} & {door["name"] or door["path"], door["path"]})
            if name == "django.shortcuts.redirect" and leads:
                yield _by_link(door, at(function, call))
                return


def _by_link(door: Event, place: Place) -> Found:
    return Found(
        "auth-logout-by-link",
        f"Method Not Allowed (GET): {door['path']}",
        place,
        RANK,
        TRIED,
        "a form with method=post",
    )


def _leads(told: str, door: Event) -> bool:
    """Whether an address is that of a route: by its name, or by its path."""
    named = _NAMED.fullmatch(told)
    if named:
        return bool(door["name"]) and named[1] == door["name"]
    path = told.partition("?")[0].partition("#")[0]
    if not re.fullmatch(r"[\w./-]+", path) or not path.strip("./"):
        return False
    if path.startswith("/"):
        return bool(path == door["path"])
    return str(door["path"]).endswith("/" + path.lstrip("./"))
