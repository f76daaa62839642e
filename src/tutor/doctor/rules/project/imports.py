"""What an import asked for in vain."""

from __future__ import annotations

import ast
import re

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment import pinned
from tutor.doctor.rules.found import NOWHERE, Place, deepest
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.startfiles import is_image

MISSING = re.compile(r"No module named '([^']+)'")


_CANNOT = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")


_NO_CONFIG = re.compile(r"Module '([\w.]+)' does not contain a '(\w+)' class")


_ROUTES = re.compile(r"rout|urls?(_|$)|^ws|socket")


_COMMON = {
    "routing",
    "consumers",
    "urls",
    "models",
    "views",
    "middleware",
    "asgi",
    "routes",
}


def explain_import(
    seen: Evidence, root: Event, stage: str, place: Place
) -> tuple[str | None, Place, str]:
    text = root["text"]
    cannot = _CANNOT.search(text)
    if cannot:
        return cannot_import(seen, cannot[1], cannot[2], place)
    if "Couldn't import Django" in text:
        return "install-outside-the-virtualenv", NOWHERE, ""
    wrong = _NO_CONFIG.search(text)
    if wrong:
        entry = f"{wrong[1]}.{wrong[2]}"
        listed = _written(seen, entry) or seen.setting("INSTALLED_APPS")
        return "apps-name-misspelled", listed, text.partition("'.")[2].strip()
    missing = MISSING.search(text)
    name = missing[1] if missing else str(root.get("name") or "")
    top = name.partition(".")[0]
    imported = _imported(seen, place, name)
    if imported.startswith(name + "."):
        name = imported if top not in _tops(seen) else name
    if stage == "django" or name == "django":
        return "install-outside-the-virtualenv", NOWHERE, ""
    versions = (seen.look.get("versions") or {}).get("found", {})
    if top == "daphne" and top not in versions:
        return "install-channels-without-daphne-extra", _entry(seen, place), ""
    if top == "channels" and top not in versions:
        return "install-channels-missing", _entry(seen, place), ""
    if stage == "apps":
        found = _apps(seen, name)
        if found:
            return found
    if top in ("channels", "daphne", "django"):
        return "asgi-any-import-error-is-masked", place, f"There is no module {name}."
    settings = _settings_module(seen, root, name, stage)
    if settings:
        return settings
    own = _tops(seen)
    last = name.rpartition(".")[2]
    if top in own and top != name:
        near = seen.near(name, (m for m in seen.source.modules if "." in m), 0.9)
        if near and place[0] == seen.asgi_file:
            return "asgi-app-package-misspelled", place, f"There is a module {near}."
        if stage == "settings":
            return "python-own-module-missing", place, f"There is no module {name}."
        if _ROUTES.search(last):
            return "routing-file-in-wrong-folder", place, f"There is no module {name}."
        return "asgi-any-import-error-is-masked", place, f"There is no module {name}."
    near = seen.near(top, own - {top, "manage"})
    if not near and _is_listed(seen, top):
        return "install-package-missing", place, f"It needs the package {top}."
    inner = [m for m in sorted(seen.source.modules) if f".{m}".endswith(f".{name}")]
    if inner and place[0] != seen.asgi_file:
        hint = f"It is {inner[0]} in this project."
        return "asgi-any-import-error-is-masked", place, hint
    if near or (last in _COMMON and top != name):
        hint = f"The project has the package {near}." if near else ""
        return "asgi-app-package-misspelled", place, hint
    if last in _COMMON:
        return "asgi-any-import-error-is-masked", place, f"There is no module {name}."
    where = _named(seen, place, name) or place
    return "install-package-missing", where, f"It needs the package {top}."


def _named(seen: Evidence, place: Place, name: str) -> Place | None:
    """Where the settings name what nothing imports at a line: a MIDDLEWARE's text."""
    if any(
        isinstance(one, ast.Import | ast.ImportFrom) for one in seen.nodes_at(place)
    ):
        return None
    for setting in ("MIDDLEWARE", "AUTHENTICATION_BACKENDS", "TEMPLATES", "STORAGES"):
        module = seen.source.by_file(seen.setting(setting)[0] or "")
        for value in module.values.get(setting, ()) if module is not None else ():
            for node in walk(value):
                if isinstance(node, ast.Constant) and _names(node.value, name):
                    return module.file if module else None, node.lineno
    return None


def _is_listed(seen: Evidence, top: str) -> bool:
    """Whether a list of packages has one that is named after a module."""
    word = re.escape(top).replace("_", "[-_]")
    named = re.compile(rf"[\"']?(?:(?:django|python)-)?{word}(?![\w.-])", re.I)
    return any(
        named.match(line) for file, _, line in pinned.lines(seen) if not is_image(file)
    )


def _tops(seen: Evidence) -> set[str]:
    """The top-level packages and modules of the project."""
    return {module.partition(".")[0] for module in seen.source.modules}


def _imported(seen: Evidence, place: Place, name: str) -> str:
    """The whole dotted name that the import at a line asks for.

    Args:
        seen: the evidence.
        place: the line.
        name: how much of it is not there.
    """
    for node in seen.nodes_at(place):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            return node.module
        if isinstance(node, ast.Import):
            whole = [one.name for one in node.names if one.name.startswith(name + ".")]
            return whole[0] if whole else ""
    return ""


def _entry(seen: Evidence, place: Place) -> Place:
    return place if place[0] else seen.setting("INSTALLED_APPS")


def cannot_import(
    seen: Evidence, name: str, module: str, place: Place
) -> tuple[str | None, Place, str]:
    """What it means that a module has no such name.

    Args:
        seen: the evidence.
        name: what was asked for.
        module: the module that has it not.
        place: where it was asked for.
    """
    if module in ("django.conf.urls", "django.urls") and name in ("url", "patterns"):
        return "routing-django-conf-urls-url", place, ""
    there = seen.source.modules.get(module)
    if there is None:
        return "asgi-any-import-error-is-masked", place, f"{module} has no {name}."
    near = seen.near(name, there.lines, 0.6)
    hint = f"{there.file} has {near}." if near else f"{there.file} has no {name}."
    package = there.file.endswith("__init__.py")
    if package and not near and _ROUTES.search(name) and "pattern" not in name:
        hint = f"There is no module {module}.{name}."
        return "routing-file-in-wrong-folder", place, hint
    lists = [
        n for n, values in there.values.items() if isinstance(values[-1], ast.List)
    ]
    if "pattern" in name or "rout" in name or (near in lists):
        folder = module.rpartition(".")[0]
        own = [one for one in seen.source.modules.values() if name in one.values]
        beside = [o.file for o in own if o.name.rpartition(".")[0] == folder]
        if beside:
            hint = f"{beside[0]} has it."
        elif name == "websocket_urlpatterns" and near:
            place = there.file, there.lines[near]
        return "routing-list-name-differs", place, hint
    return "asgi-any-import-error-is-masked", place, hint


def _apps(seen: Evidence, name: str) -> tuple[str, Place, str] | None:
    """An entry of INSTALLED_APPS that no module answers to."""
    entries = [str(app) for app in seen.settings.get("apps") or []]
    entry = next((e for e in entries if e == name or e.startswith(name + ".")), None)
    if entry is None:
        return None
    both = joined(seen, entry)
    if both:
        return "apps-missing-comma", both, ""
    if len(entry) == 1:
        return "apps-string-added", _added(seen) or seen.setting("INSTALLED_APPS"), ""
    place = _written(seen, entry) or seen.setting("INSTALLED_APPS")
    own = _tops(seen)
    near = seen.near(entry.partition(".")[0], own | {"daphne", "channels", "django"})
    hint = f"The nearest name is {near}." if near else ""
    top = entry.partition(".")[0]
    if not near and top not in own and (_is_listed(seen, top) or _is_used(seen, top)):
        return "install-package-missing", place, f"It needs the package {top}."
    return "apps-name-misspelled", place, hint


def _is_used(seen: Evidence, top: str) -> bool:
    """Whether a module imports what a package has: its name is spelt right then."""
    for module in seen.source.modules.values():
        for node in walk(module.tree) if top in module.text else ():
            names = [one.name for one in getattr(node, "names", [])]
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            elif not isinstance(node, ast.Import):
                continue
            if any(one.partition(".")[0] == top for one in names):
                return True
    return False


def _added(seen: Evidence) -> Place | None:
    """Where a text is added to the list of apps."""
    for module in seen.source.modules.values():
        for node in walk(module.tree):
            if (
                isinstance(node, ast.AugAssign)
                and getattr(node.target, "id", "") == "INSTALLED_APPS"
                and isinstance(getattr(node.value, "value", None), str)
            ):
                return module.file, node.lineno
    return None


def joined(seen: Evidence, value: str) -> Place | None:
    """Where two neighbouring strings have become ``value``."""
    for module in seen.source.modules.values():
        for node in walk(module.tree):
            if isinstance(node, ast.Constant) and node.value == value:
                text = ast.get_source_segment(module.text, node) or ""
                if len(re.findall(r"(['\"])[^'\"]*\1", text)) > 1:
                    return module.file, node.lineno
    return None


def _written(seen: Evidence, value: str) -> Place | None:
    """Where a string stands in the settings."""
    file = seen.setting("INSTALLED_APPS")[0]
    module = seen.source.by_file(file or "")
    for node in walk(module.tree) if module else ():
        if isinstance(node, ast.Constant) and node.value == value:
            return file, node.lineno
    return None


def _names(value: object, module: str) -> bool:
    """Whether a text is this module's name, or that of one inside of it."""
    return isinstance(value, str) and f"{value}.".startswith(f"{module}.")


def _settings_module(
    seen: Evidence, root: Event, name: str, stage: str
) -> tuple[str, Place, str] | None:
    """A DJANGO_SETTINGS_MODULE that names no module."""
    loading = any("django/conf/__init__" in f["file"] for f in root["frames"])
    own_last = root["frames"][-1]["own"] if root["frames"] else False
    if not loading or own_last:
        return None
    asgi = stage in ("asgi", "daphne")
    file = seen.asgi_file if asgi else f"{seen.prefix}manage.py"
    slug = (
        "asgi-settings-module-of-another-project"
        if asgi
        else "settings-module-misspelled"
    )
    module = seen.source.by_file(file or "")
    line = None
    for node in walk(module.tree) if module else ():
        if isinstance(node, ast.Constant) and _names(node.value, name):
            line = node.lineno
    if asgi and line is None:  # such as a worker's file, which the package imports
        named = [
            (one.file, node.lineno)
            for one in seen.source.modules.values()
            if not one.file.endswith("manage.py") and not is_aside(one.file)
            for node in walk(one.tree)
            if isinstance(node, ast.Constant) and _names(node.value, name)
        ]
        file, line = named[0] if named else (file, None)
    if deepest([root]) and line is None and not asgi:
        return None
    return slug, (file, line), f"There is no module {name}."
