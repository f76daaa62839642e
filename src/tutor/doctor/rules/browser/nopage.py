"""Paths of this server that a page asks for, and that no route of a page takes."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from urllib.parse import urljoin

from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import sites
from tutor.doctor.rules.browser.expressions import ANY, OWN, Scope, value
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.links import may_be
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.reached import takes
from tutor.doctor.rules.routing.views import listed, methods, views
from tutor.doctor.source import Function
from tutor.doctor.source.walking import walk

RANK = 71
_SENT = re.compile(
    r"(?<![\w$.])(?:(?:window\s*\.\s*)?fetch|(?:\$|jQuery|axios)\s*\.\s*"
    r"(?:post|get|getJSON|put|patch|delete))\s*\("
)
_GONE_TO = re.compile(
    r"(?<![\w$])location(?:\s*\.\s*(?:href|pathname))?\s*=(?![=>])\s*|"
    r"(?<![\w$])location\s*\.\s*(?:assign|replace)\s*\(\s*"
)
_CHANGES = re.compile(r"""\bmethod\s*:\s*['"`](?:post|put|patch|delete)['"`]""", re.I)
_FORM = re.compile(
    r"<form\b[^>]*?\baction\s*=\s*([\"'])(?P<path>/[\w/.-]*)\1[^>]*>", re.I
)
_LINK = re.compile(
    r"<a\b[^>]*?\bhref\s*=\s*([\"'])(?P<path>/[\w/.-]*)(?:[?#][^\"']*)?\1[^>]*>", re.I
)
_PATH = re.compile(r"/(?:[\w.@%~-]|\x00)+(?:/(?:[\w.@%~-]|\x00)*)*")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    routes = [str(one) for one in (seen.look.get("urls") or {}).get("routes") or []]
    texts = [one.text for one in seen.source.modules.values()]
    if any(re.search(r"\bi18n_patterns\b|HttpConsumer\b", one) for one in texts):
        return  # more paths than are listed
    if (
        not routes
        or seen.settings.get("script_name")
        or any(True for _ in sites(seen.project))
    ):
        return
    for code in every:
        if code.script.is_built:
            continue
        yield from _beside(seen, routes, code)
        for (where, index), path, how in _asked(code, every):
            found = _lost(seen, routes, path, how)
            taken = methods(seen, path.strip("/")) if how == "fetch" else None
            if not found and taken and "GET" not in taken:
                got = f"405 Method Not Allowed (GET): {path.replace(ANY, '…')}"
                found = "client-form-method-refused", got, 'method: "POST"'
            if found:
                yield Found(
                    *found[:2],
                    where.spot(index),
                    RANK,
                    TRIED,
                    found[2],
                    "Each path is that of a route, letter by letter.",
                )
                return


_BESIDE = re.compile(
    r"<form\b[^>]*?\baction\s*=\s*([\"'])(?P<path>(?!/|\w+:)[\w./-]*\w[\w./-]*)\1[^>]*>",
    re.I,
)


def _beside(seen: Evidence, routes: list[str], code: Code) -> Iterator[Found]:
    """``action="login/"`` of a page that is at ``accounts/login/`` itself."""
    if code.script.is_static or len(routes) < 2:
        return
    plain = [one for one in routes if re.fullmatch(r"[\w/.-]*", one)]
    file, own = f"/{code.script.file}", set[str]()
    for view in listed(seen):
        if any(file.endswith(f"/{name}") for name in _templates(view)):
            own |= {one for one in plain if view in views(seen, one or "/")}
            own |= {"" for one in plain if not one and view in views(seen, "")}
    if file.endswith("/registration/login.html"):
        own |= {one for one in plain if one.rstrip("/").endswith("login")} - {
            "admin/login/"
        }
    for match in _BESIDE.finditer(code.script.text) if own else ():
        paths = [urljoin(f"/{one}", match["path"]).lstrip("/") for one in sorted(own)]
        if not any(may_be(one, path) for one in routes for path in paths):
            near = [one for one in plain if one.endswith(match["path"].lstrip("./"))]
            yield Found(
                "client-form-leads-nowhere",
                f"Not Found: /{paths[0]}",
                code.spot(match.start()),
                RANK,
                TRIED,
                f"the path of a route: /{near[0]}" if near else "the path of a route",
                "A path without a slash before it begins at the page's own.",
            )
            return


def _templates(view: Function) -> set[str]:
    """The templates that a view names."""
    return {
        node.value
        for node in walk(view.node)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.endswith(".html")
    }


def _lost(
    seen: Evidence, routes: list[str], path: str, how: str
) -> tuple[str, str, str] | None:
    """What is wrong with a path: the slug, what comes, what was expected."""
    plain = path.replace(ANY, "1").lstrip("/")
    shown = "/" + path.replace(ANY, "…").lstrip("/")
    static = str(seen.settings.get("static") or "static/").strip("/")
    if (
        plain.split("/")[0] in (static, "static", "media")
        or "." in plain.split("/")[-1]
    ):
        return None
    if any(may_be(one, plain) for one in routes):
        return None
    if any(takes(leaf, plain) for leaf in seen.leaves):
        return None  # said elsewhere
    if any(may_be(one, plain + "/") for one in routes):
        if how != "post":
            return None
        got = f"no redirect of a POST: {shown}"
        return "client-form-leads-nowhere", got, f"{shown}/, with the slash"
    known = [f"/{one.strip('^$')}" for one in routes if not one.startswith("admin/")]
    ends = [one for one in known if one.rstrip("/").endswith("/" + plain.strip("/"))]
    ends += [one for one in known if len(one) > 2 and f"/{plain}".endswith(one)]
    alike = {re.sub(r"<[^>]*>|\(.*?\)", "…", one): one for one in known}
    near = ends or [
        alike[one] for one in difflib.get_close_matches(shown, alike, 1, 0.6)
    ]
    shape = _shape(shown)
    same = [one for told, one in alike.items() if shape and _shape(told) == shape]
    near = near or (same if len(same) == 1 else [])
    if not near and how == "go":
        return None  # it may be another program's
    told = f": {near[0]}" if near else ""
    slug = "client-form-leads-nowhere" if how == "form" else "client-page-not-there"
    return slug, f"Not Found: {shown}", f"the path of a route{told}"


def _shape(path: str) -> list[bool]:
    """Which parts of a path are filled in; empty where none is."""
    parts = ["…" in one for one in path.strip("/").split("/")]
    return parts if any(parts) else []


Spot = tuple[Code, int]


def _asked(code: Code, every: list[Code]) -> Iterator[tuple[Spot, str, str]]:
    """Where, which path, and whether it is posted, fetched, or gone to."""
    for match in _SENT.finditer(code.bare):
        given = code.arguments(match.end() - 1)
        if given:
            options = " ".join(code.text(one) for one in given[1:])
            posts = re.search(r"post|put|patch|delete", match[0])
            is_known = options.startswith("{") and "..." not in options
            how = "post" if posts or _CHANGES.search(options) else "fetch"
            how = how if how == "post" or is_known or not options else "get"
            yield from _told((code, match.start()), given[0], how)
    for match in _GONE_TO.finditer(code.bare):
        span = code.expression(match.end())
        yield from _told((code, match.start()), span, "go")
    for (
        helper
    ) in code.functions:  # post("/vote/", …), which hands on its first argument
        begin, end = helper.body
        own = helper.given[0] if helper.given and helper.name else ""
        first = rf"(?<![\w$.])fetch\s*\(\s*{re.escape(own)}\s*[,)]"
        if (
            own
            and re.fullmatch(r"[\w$]+", own)
            and re.search(first, code.bare[begin:end])
        ):
            posts = _CHANGES.search(code.script.text[begin:end])
            for other in every:
                word = rf"(?<![\w$.]){re.escape(helper.name)}\s*\("
                for match in re.finditer(word, other.bare) if other is not None else ():
                    spans = other.arguments(match.end() - 1)
                    if (
                        other.script == code.script
                        and helper.start <= match.start() < end
                    ):
                        continue
                    if spans:
                        at = other, match.start()
                        how = "post" if posts else "get"
                        yield from _told(at, spans[0], how)
    for match in () if code.script.is_static else _LINK.finditer(code.script.text):
        if _PATH.fullmatch(match["path"]):
            yield (code, match.start()), match["path"], "go"
    for match in () if code.script.is_static else _FORM.finditer(code.script.text):
        if _PATH.fullmatch(match["path"]):
            yield (code, match.start()), match["path"], "form"


def _told(at: Spot, span: tuple[int, int], how: str) -> Iterator[tuple[Spot, str, str]]:
    text = at[0].text(span)
    for _ in range(2):  # a name, and an attribute of the page behind it
        word = rf"(?<![\w$.]){re.escape(text)}\s*=(?![=>])"
        if len(re.findall(word, at[0].bare)) < 2:
            text = at[0].script.bound.get(text, text).strip()
    if not re.match(r"[\"'`]/(?!/)", text) or "{%" in text or "{{" in text:
        return
    path = value(text, Scope(at[0].script)).partition("?")[0].partition("#")[0]
    if OWN not in path and not path.startswith(ANY) and _PATH.fullmatch(path):
        yield at, path, how
