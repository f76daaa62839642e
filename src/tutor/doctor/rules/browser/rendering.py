"""A page that ends with an exception, in place of an answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tutor.doctor.answers import TURNED_AWAY
from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import members
from tutor.doctor.rules.browser import folders, forms, scripts
from tutor.doctor.rules.consumers.crashes.kinds import mixed_up
from tutor.doctor.rules.found import TRIED, Found, Place, deepest, last_line
from tutor.doctor.rules.routing.views import VERBS
from tutor.doctor.source import Function
from tutor.doctor.source.flow import returned
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 61
# What has to do with the code itself, and not with a database that is elsewhere.
_OF_THE_CODE = {
    *("AttributeError", "TypeError", "NameError", "ImportError", "IndexError"),
    *("TemplateSyntaxError", "UnboundLocalError", "RecursionError"),
}
# Nothing and nobody, where a page may count on something that was asked before.
_LACKS = re.compile("NoneType|AnonymousUser|index out of range")


def rules(seen: Evidence) -> Iterator[Found]:
    unread = [*_templates(seen)]
    told = seen.serve.all("page-failed") if not unread else []
    every = [*unread, *(one for event in told for one in _failed(seen, event))]
    yield from [*(one for one in every if one.slug), *every][:1]
    yield from _missing(seen)


def _missing(seen: Evidence) -> Iterator[Found]:
    """A template that a view or another template names, in no folder of theirs."""
    told = seen.look.get("templates") or {}
    known = [seen.home / one for one in told.get("folders", [])]
    known += [Path(one) for one in told.get("others", [])]
    if not told.get("plain") or not known:
        return
    for name, place in (*_named(seen), *_extended(seen), *_of_library(seen)):
        # Without one like it, it may be for later.
        there = any((folder / name).exists() for folder in known)
        if not there and _is_like(seen, name):
            yield Found(
                "client-template-not-found",
                f"TemplateDoesNotExist: {name}",
                folders.of_template(seen, name) or place,
                RANK + 1,
                TRIED,
                "a file in one of the folders for templates",
                _elsewhere(seen, name),
            )
            return


def _templates(seen: Evidence) -> Iterator[Found]:
    """A template that cannot be read, and that a view or another template names."""
    texts = [one.text for one in seen.source.modules.values()]
    texts += [one.text for one in scripts.texts(seen) if not one.is_static]
    for event in seen.look.all("template-failed"):
        name, links = event["name"], event["error"]
        is_meant = name.startswith("registration/") or any(name in t for t in texts)
        if not is_meant:
            continue
        place = f"{seen.prefix}{event['file']}", event["line"]
        every = " ".join(link["text"] for link in links)
        lost = "register or load" in every or "Invalid filter" in every
        yield Found(
            "client-template-tag-not-loaded" if lost else None,
            last_line(links[:1]),
            place,
            RANK if lost else RANK + 5,
            f"reading the template {name}",
            "a template that Django can read",
            "" if lost else "A template's tags are read before anything is shown.",
        )


def _is_like(seen: Evidence, name: str) -> bool:
    """Whether there is a template of the same name elsewhere, or of one like it."""
    own = [
        path.relative_to(seen.home / one).as_posix()
        for one in (seen.look.get("templates") or {}).get("folders", [])
        for path in (seen.home / one).rglob("*.html")
    ]
    return bool(_elsewhere(seen, name) or seen.near(name, own, 0.85))


def _of_library(seen: Evidence) -> Iterator[tuple[str, Place]]:
    """The templates of Django's own views, such as that of the login."""
    for one in (seen.look.get("doors") or {}).get("unseen", []):
        place = forms.route(seen, one["route"])
        if place is not None:
            yield one["template"], place


_RENDERS = ("render", "render_to_string", "get_template", "TemplateResponse")


def _named(seen: Evidence) -> Iterator[tuple[str, Place]]:
    """The templates that views name."""
    for module in seen.source.modules.values():
        for node in walk(module.tree) if not is_aside(module.file) else ():
            given: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
                given = list(node.args[:2]) if name in _RENDERS else []
                given += [w.value for w in node.keywords if w.arg == "template_name"]
            elif isinstance(node, ast.Assign):
                names = [getattr(target, "id", "") for target in node.targets]
                given = [node.value] if "template_name" in names else []
            for one in given:
                text = getattr(one, "value", "")
                if isinstance(text, str) and re.fullmatch(r"[\w./-]+\.html", text):
                    yield text, (module.file, one.lineno)


def _extended(seen: Evidence) -> Iterator[tuple[str, Place]]:
    """The templates that templates name."""
    named = re.compile(r"\{%\s*(?:extends|include)\s+[\"']([\w/-][\w./-]*\.html)[\"']")
    for one in scripts.texts(seen):
        for match in () if one.is_static else named.finditer(one.text):
            yield match[1], one.spot(match.start())


def _failed(seen: Evidence, event: Event) -> Iterator[Found]:
    links = event["error"]
    if not links:
        return
    root, place = links[-1], seen.place(deepest(links))
    found = _cause(seen, links, place)
    if found is None and not {*root["bases"]} & _OF_THE_CODE:
        return
    first = event["path"] == "/" and seen.answers.page not in TURNED_AWAY
    ours = _LACKS.search(root["text"]) or members.is_ours(links, "")
    if found is None and not first and ours:  # it may be a member, whom we have made
        return
    slug, at, hint = found or (None, place, "")
    if slug is None and at[0] is None:
        return
    yield Found(
        slug,
        last_line(links[: _said(links) + 1]),
        at,
        RANK if slug else RANK + 9,
        f"asking for the page {event['path']}",
        "200 OK",
        hint,
    )


def _cause(
    seen: Evidence, links: list[Event], place: Place
) -> tuple[str | None, Place, str] | None:
    kinds = [link["type"] for link in links]
    every = " ".join(link["text"] for link in links)
    if "TemplateDoesNotExist" in kinds:
        name = links[kinds.index("TemplateDoesNotExist")]["text"].strip()
        outer = _saying(seen, rf"\{{%\s*(?:extends|include)\s+[\"']{re.escape(name)}")
        asked = dict(_named(seen)) if place[0] is None else {}  # a class has no line
        named = next((asked[one] for one in name.split(", ") if one in asked), place)
        at = folders.of_template(seen, name) or outer or named
        return "client-template-not-found", at, _elsewhere(seen, name)
    if "values to unpack in for loop" in every:
        loop = _saying(seen, r"\{%\s*for\s+\w+\s*,\s*\w+\s+in\s+(?![\w.]+\.items\b)")
        return None, loop or place, "A loop with two names over a dict needs .items."
    nothing = re.search(r"The view ([\w.]+) didn't return an HttpResponse", every)
    if nothing and "returned None" in every:
        view = seen.source.functions.get(nothing[1])
        view = view or _of_a_class(seen, nothing[1].rpartition(".")[0])
        at = (view.module.file, view.node.lineno) if view else place
        return "client-view-returns-nothing", at, ""
    tag = re.search(r"Invalid (?:block tag[^']*|filter: )'(\w+)'", every)
    if tag and "TemplateSyntaxError" in kinds:
        told = re.search(r"on line (\d+)", every)
        outer = _saying(
            seen,
            rf"(?:\{{%\s*|\|\s*){re.escape(tag[1])}\b",
            int(told[1]) if told else 0,
        )
        if "register or load" in every or "Invalid filter" in every:
            return "client-template-tag-not-loaded", outer or place, ""
    if links[-1]["type"] in ("NameError", "UnboundLocalError"):
        return "python-name-not-defined", place, ""
    if "authentication middleware requires session middleware" in every:
        hint = "In MIDDLEWARE, SessionMiddleware has to stand before it."
        return "auth-middleware-order", seen.setting("MIDDLEWARE"), hint
    if mixed_up(seen, every, place):
        return "python-module-mixed-up", place, ""
    called = re.match(r"(\w+\.\w+)\(\) (?:takes|missing|got an)", links[-1]["text"])
    if called and place[0] is None:  # the library calls it, with what it has
        method = f".{called[1]}"
        meant = [f for n, f in seen.source.functions.items() if n.endswith(method)]
        where = [(one.module.file, one.node.lineno) for one in meant]
        return ("python-arguments-differ", where[0], "") if len(where) == 1 else None
    return None


def _of_a_class(seen: Evidence, module: str) -> Function | None:
    """The method of a view that gives nothing back: Django names its function only."""
    found = [
        method
        for owner in seen.source.classes.values()
        if owner.module.name == module
        and any(base.startswith("django.views.") for base in owner.library_bases())
        for method in owner.methods.values()
        if method.name in VERBS and not returned(method)
    ]
    return found[0] if len(found) == 1 else None


def _said(links: list[Event]) -> int:
    """The link that a person reads: Django's, where it has one of its own."""
    kinds = [link["type"] for link in links]
    own = [kinds.index(k) for k in kinds if k.startswith("Template")]
    return own[0] if own else len(links) - 1


def _saying(seen: Evidence, pattern: str, line: int = 0) -> Place | None:
    """The first line of a template that something stands in; best the one of a number.

    Args:
        seen: the evidence.
        pattern: what stands there.
        line: where Django has found it, in the template that it does not name.
    """
    found = [
        one.spot(match.start())
        for one in scripts.texts(seen)
        if not one.is_static
        for match in re.finditer(pattern, one.text)
    ]
    return next((one for one in found if one[1] == line), next(iter(found), None))


def _elsewhere(seen: Evidence, name: str) -> str:
    """Where a template of that name is, if it is not where Django looks."""
    last = name.rpartition("/")[2]
    for path in sorted(seen.home.rglob(last)) if re.fullmatch(r"[\w.-]+", last) else ():
        return f"There is a {path.relative_to(seen.project).as_posix()}."
    return ""
