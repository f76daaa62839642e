"""Names that the pages' own links hold, against the patterns of the sockets' routes.

``\\w`` in a pattern is no mistake by itself: many projects have names of one word only.
Here a page leads to a name that has more signs, and its socket's route does not; or
the page's own route takes a slug, in which a hyphen is for certain.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import contexts, scripts
from tutor.doctor.rules.browser.pages import NARROW, TRIED, widened
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.places import route_place
from tutor.doctor.source.walking import walk

RANK = 67
_URL = re.compile(r"\{%\s*url\s+[\"']([\w:-]+)[\"']\s+(.*?)\s*%\}")
_LOOP = re.compile(r"\{%\s*for\s+(\w+)\s+in\s+(\w+)\s*%\}")
_GROUP = re.compile(r"\(\?P<(\w+)>((?:[^()\\]|\\.)+)\)")
_SLUG = re.compile(r"<slug:(\w+)>")
_OF_ANY = {"slug", "name", "id", "key"}  # of two things that have nothing in common
_NUMBERS = (r"\d+", "[0-9]+")  # the second is that of <int:…>
_KWARG = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>")


def rules(seen: Evidence) -> Iterator[Found]:
    names, slugs = _linked(seen), _slugs(seen) - _OF_ANY
    for leaf in seen.leaves:
        for step in leaf.get("steps") or ():
            for key, pattern in _GROUP.findall(step.get("regex") or ""):
                number = pattern in _NUMBERS and key.endswith("name")
                wide = re.compile(".+" if number else widened(pattern) or pattern)
                slug = {"a-b"} if key in slugs else set()
                for name in sorted(names.get(key, set()) | slug):
                    if wide.fullmatch(name) and not re.fullmatch(pattern, name):
                        yield Found(
                            NARROW,
                            f"no route takes the {key} {name!r}, which a page has",
                            route_place(seen, leaf),
                            RANK,
                            TRIED,
                            f"[^/]+ in place of {pattern}",
                            "It takes numbers alone." if number else "",
                        )
                        return


def _linked(seen: Evidence) -> dict[str, set[str]]:
    """What the links of pages hold for each name in the pages' routes."""
    found: dict[str, set[str]] = {}
    keys = _routes(seen)
    for page in scripts.texts(seen):
        for link in _URL.finditer(page.text) if not page.is_static else ():
            key = keys.get(link[1].rpartition(":")[2], "")
            word = link[2].rpartition("=")[2] if key else ""
            quoted = re.fullmatch(r"[\"'](.+)[\"']", word)
            if quoted:
                found.setdefault(key, set()).add(quoted[1])
            elif re.fullmatch(r"\w+", word):
                found.setdefault(key, set()).update(_looped(seen, page, word))
    return found


def _routes(seen: Evidence) -> dict[str, str]:
    """The pages' routes by their names, where they have one argument: its name."""
    found = {}
    for module in seen.source.modules.values():
        for node in walk(module.tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            route = getattr(node.args[0], "value", "")
            named = [k.value for k in node.keywords if k.arg == "name"]
            name = getattr(named[0], "value", "") if named else ""
            keys = _KWARG.findall(route) if isinstance(route, str) else []
            if name and len(keys) == 1:
                found[str(name)] = keys[0][0] or keys[0][1]
    return found


def _slugs(seen: Evidence) -> set[str]:
    """What the routes of pages take as a slug."""
    module = seen.source.modules.get(str(seen.settings.get("urlconf")))
    sockets = {s["text"] for leaf in seen.leaves for s in leaf.get("steps") or ()}
    texts = {
        node.value
        for one in seen.source.modules.values()
        if one is module or one.name.rpartition(".")[2] == "urls"
        for node in walk(one.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found = {key for text in texts - sockets for key in _SLUG.findall(text)}
    found -= _rewritten(seen)
    # What is stored under that name may be a code without hyphens.
    return {
        key
        for key in found
        if all(
            (
                one.module.resolve(getattr(one.attributes[key], "func", None)) or ""
            ).rpartition(".")[2]
            == "SlugField"
            for one in seen.source.classes.values()
            if isinstance(one.attributes.get(key), ast.Call)
        )
    }


def _rewritten(seen: Evidence) -> set[str]:
    """Names of which a function makes others, by ``replace`` or ``re.sub``."""
    found = set()
    for function in seen.source.all_functions():
        for node in walk(function.node):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = (
                    [node.func.value]
                    if node.func.attr in ("replace", "translate", "split")
                    else node.args
                    if function.module.resolve(node.func, function) == "re.sub"
                    else []
                )
                found |= {one.id for one in of if isinstance(one, ast.Name)}
    return found


def _looped(seen: Evidence, page: scripts.Script, word: str) -> Iterator[str]:
    """The texts that a template goes through, where a view writes them out."""
    for loop in _LOOP.finditer(page.text):
        if loop[1] != word:
            continue
        for function, value in contexts.given(seen, page.file, loop[2]):
            if isinstance(value, ast.Name):
                known = function.values.get(value.id) or function.module.values.get(
                    value.id, []
                )
                value = known[0] if len(known) == 1 else value
            for one in getattr(value, "elts", []):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value
