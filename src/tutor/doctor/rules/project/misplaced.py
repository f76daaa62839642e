"""What stands in the wrong place, or twice, while a project is set up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place, deepest
from tutor.doctor.rules.project.hiddensettings import hidden_settings
from tutor.doctor.rules.project.inplace import lost_list
from tutor.doctor.rules.project.pageware import SLUG as NO_MIDDLEWARE
from tutor.doctor.rules.project.pageware import no_middleware
from tutor.doctor.source import Module
from tutor.doctor.source.walking import walk

Cause = tuple[str, Place, str]
_OF_CONFIG = re.compile(r"Check that '([\w.]+)\.name' is correct")
_MODEL = re.compile(r"Model class ([\w.]+) doesn't declare an explicit app_label")
_INCLUDED = re.compile(r"included URLconf '(?:<module ')?([\w.]+)")
_NO_SUM = re.compile(
    r"(?:unsupported operand|can only concatenate|must be an iterable).*URLPattern"
)
_NOT_ITERABLE = re.compile(r"'(\w+)' object is not iterable")


def cause(seen: Evidence, links: list[Event], stage: str) -> Cause | None:
    """Why a project could not be loaded, where a place tells more than the words."""
    every = " ".join(link["text"] for link in links)
    for found in (
        lost_list(seen, links),
        hidden_settings(seen),
        _config(seen, every),
        _too_early(seen, links, stage),
        _no_routes(seen, links, every),
        _included(seen, every) if stage == "urls" else None,
        _no_urlconf(seen, links, every) if stage == "urls" else None,
        _replaced(seen, every),
        _middleware(seen, every),
    ):
        if found is not None:
            return found
    return None


def _config(seen: Evidence, every: str) -> Cause | None:
    """An AppConfig whose ``name`` is no package's."""
    wrong = _OF_CONFIG.search(every)
    known = seen.source.classes.get(wrong[1]) if wrong else None
    if known is None:
        return None
    lines = [
        node.lineno
        for node in known.node.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and "name" in _targets(node)
    ]
    place = known.module.file, next(iter(lines), known.node.lineno)
    return "apps-name-misspelled", place, f"{known.name}.name has to be the package."


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {one.id for one in targets if isinstance(one, ast.Name)}


def _too_early(seen: Evidence, links: list[Event], stage: str) -> Cause | None:
    """Models that the package of an app imports, while Django asks for the apps."""
    root = links[-1] if links else {"bases": [], "frames": []}
    if "AppRegistryNotReady" not in root["bases"]:
        return None
    settings = seen.source.modules.get(seen.settings_name)
    places = [seen.place(f) for link in links for f in link["frames"] if f["own"]]
    for place in places:
        if settings is not None and place[0] == settings.file:
            hint = "The settings are read before any app is there."
            return "apps-models-imported-too-early", place, hint
    if stage != "apps":
        return None
    files = [str(frame["file"]) for frame in root["frames"]]
    asked = [i for i, file in enumerate(files) if file.endswith("apps/registry.py")]
    own = [f for f in root["frames"][min(asked, default=0) :] if f["own"]]
    if not asked or not own:
        return None
    return "apps-models-imported-too-early", seen.place(own[0]), ""


def _no_routes(seen: Evidence, links: list[Event], every: str) -> Cause | None:
    """What URLRouter was given, when it looked at each route."""
    single = _NO_SUM.search(every) and _single(seen)
    if single:
        hint = "Brackets around one route make no list; a comma behind it would."
        return "asgi-urlrouter-without-list", single, hint
    wrong = _NOT_ITERABLE.search(every)
    frames = links[-1]["frames"] if links else []
    if not wrong or not frames or "channels/routing" not in str(frames[-1]["file"]):
        return None
    place = seen.place(deepest(links))
    place = _list_behind(seen, place) or place
    hint = f"It is given a {wrong[1]}."
    if wrong[1] == "NoneType":
        hint = "It is given None: does the function that makes the list return it?"
    return "asgi-urlrouter-without-list", place, hint


def _single(seen: Evidence) -> Place | None:
    """A single route that a name for a list of routes stands for."""
    for module in seen.source.modules.values():
        for name, values in module.values.items():
            last = values[-1]
            made = module.resolve(last.func) if isinstance(last, ast.Call) else None
            if "pattern" in name and (made or "").endswith(("urls.path", "re_path")):
                return module.file, module.lines.get(name)
    return None


def _list_behind(seen: Evidence, place: Place) -> Place | None:
    """Where the routes are written that a router is given by their name."""
    module = seen.source.by_file(place[0] or "")
    for node in seen.nodes_at(place) if module is not None else ():
        if not isinstance(node, ast.Call) or len(node.args) != 1:
            continue
        assert module is not None
        if not (module.resolve(node.func) or "").endswith("URLRouter"):
            continue
        given = ast.unparse(node.args[0])
        known = module.names.get(given, f"{module.name}.{given}")
        owner, _, name = known.rpartition(".")
        other = seen.source.modules.get(owner)
        if other is not None and name in other.lines:
            return other.file, other.lines[name]
    return None


def routes_are_pages(seen: Evidence, place: Place) -> bool:
    """Whether the router of sockets is given the URLs of the pages."""
    module = seen.source.by_file(place[0] or "")
    pages = f"{seen.settings.get('urlconf')}.urlpatterns"
    return module is not None and any(
        isinstance(node, ast.Call)
        and (module.resolve(node.func) or "").endswith("URLRouter")
        and any(_leads_to(module, one, pages) for one in node.args)
        for node in seen.nodes_at(place)
    )


def _leads_to(module: Module, node: ast.expr, dotted: str) -> bool:
    if not isinstance(node, ast.Name | ast.Attribute):
        return False
    head, _, tail = ast.unparse(node).partition(".")
    named = ".".join(filter(None, (module.names.get(head, head), tail)))
    return dotted in (named, module.resolve(node))


def nested_list(seen: Evidence, place: Place) -> Place | None:
    """Where a list of routes is written, if it is one that stands in another."""
    found = _list_behind(seen, place)
    module = seen.source.by_file(found[0] or "") if found else None
    for values in module.values.values() if module is not None else ():
        last = values[-1]
        inner = last.elts if isinstance(last, ast.List | ast.Tuple) else []
        nested = any(_is_list(module, one) or _is_text(one) for one in inner)
        if found and nested and last.lineno == found[1]:
            return found
    return None


def _is_text(node: ast.expr) -> bool:
    """Whether a pattern stands among the routes, with no path() around it."""
    return isinstance(node, ast.Constant)


def _is_list(module: Module | None, node: ast.expr) -> bool:
    """Whether a list is written here, or where a name of the project leads to."""
    dotted = module.resolve(node) if module and isinstance(node, ast.Name) else None
    path, _, name = (dotted or "").rpartition(".")
    where = module.source.modules.get(path) if module is not None else None
    values = where.values.get(name, []) if where is not None else []
    return isinstance(values[-1] if values else node, ast.List | ast.Tuple)


def _included(seen: Evidence, every: str) -> Cause | None:
    """The routes of sockets, which ``include()`` puts among the pages."""
    wrong = _INCLUDED.search(every)
    module = seen.source.modules.get(wrong[1]) if wrong else None
    if module is None or module.name == seen.settings.get("urlconf"):
        return None
    if not any(_leads_to_consumer(seen, module, node) for node in walk(module.tree)):
        return None
    for one in seen.source.modules.values():
        for node in walk(one.tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if not (one.resolve(node.func) or "").endswith(".include"):
                continue
            given = node.args[0]
            if module.name in (getattr(given, "value", None), one.resolve(given)):
                hint = f"{module.file} holds routes of sockets, and no urlpatterns."
                return "routing-consumer-in-urls-py", (one.file, node.lineno), hint
    return None


def _leads_to_consumer(seen: Evidence, module: Module, node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr != "as_asgi":
        return False
    known = seen.source.classes.get(module.resolve(node.value) or "")
    return known is not None and bool(known.kind)


def _no_urlconf(seen: Evidence, links: list[Event], every: str) -> Cause | None:
    """ROOT_URLCONF is not there, or names no module."""
    named = str(seen.settings.get("urlconf") or "")
    missing = re.search(r"No module named '([^']+)'", every)
    absent = "no attribute 'ROOT_URLCONF'" in every
    if not absent:
        if not missing or not f"{named}.".startswith(f"{missing[1]}."):
            return None
        if deepest(links) is not None:
            return None
    modules = [m for m in seen.source.modules if m.endswith(".urls")]
    near = seen.near(named, modules, 0.5) or next(iter(modules), "")
    hint = f"There is a module {near}." if near else ""
    return "settings-root-urlconf-misspelled", seen.setting("ROOT_URLCONF"), hint


def _middleware(seen: Evidence, every: str) -> Cause | None:
    wrong = no_middleware(seen)
    if wrong is None or f"{wrong[0]} doesn't look like a module path" not in every:
        return None
    return NO_MIDDLEWARE, wrong[1], f"{wrong[0]} is an app."


def _replaced(seen: Evidence, every: str) -> Cause | None:
    """A second INSTALLED_APPS, without the apps that the first one had."""
    wrong = _MODEL.search(every)
    return overwritten(seen, wrong[1]) if wrong else None


def overwritten(seen: Evidence, dotted: str) -> Cause | None:
    """Where an app is lost that an earlier list of the same name had."""
    file, line = seen.setting("INSTALLED_APPS")
    module = seen.source.by_file(file or "")
    lists = list(_lists(module)) if module is not None else []
    if len(lists) < 2 or lists[-1].lineno != line:
        return None
    for earlier in lists[:-1]:
        if _has(earlier, dotted) and not _has(lists[-1], dotted):
            hint = f"INSTALLED_APPS of line {earlier.lineno} is not there any more."
            return "python-defined-twice", (file, line), hint
    return None


def _lists(module: Module) -> Iterator[ast.Assign]:
    """The statements that make INSTALLED_APPS anew, of constants alone."""
    for node in module.tree.body:
        if not isinstance(node, ast.Assign) or "INSTALLED_APPS" not in _targets(node):
            continue
        if not any(isinstance(part, ast.Name) for part in walk(node.value)):
            yield node


def _has(node: ast.Assign, dotted: str) -> bool:
    return any(
        isinstance(part, ast.Constant)
        and f"{dotted}.".startswith(f"{str(part.value).partition('.apps.')[0]}.")
        for part in walk(node.value)
    )
