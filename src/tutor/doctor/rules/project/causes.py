"""The cause behind an exception that came while a project was loaded."""

from __future__ import annotations

import ast
import re
from contextlib import suppress

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database.tables import in_ready
from tutor.doctor.rules.found import GENERIC, HANDLERS, Place
from tutor.doctor.rules.project import paths
from tutor.doctor.rules.project.asgi import not_called
from tutor.doctor.rules.project.imports import cannot_import, explain_import
from tutor.doctor.rules.project.misplaced import cause as misplaced
from tutor.doctor.rules.project.misplaced import nested_list, routes_are_pages
from tutor.doctor.rules.project.said import TEXTS, is_of_the_environment, labelled
from tutor.doctor.rules.python.idle import never_called
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk


def cause(
    seen: Evidence, links: list[Event], stage: str, place: Place
) -> tuple[str | None, Place, str]:
    """The mistake, or None; its place; and a hint, where there is one.

    Args:
        seen: the evidence.
        links: the exception and what led to it, outermost first.
        stage: what was being loaded.
        place: where it was raised.
    """
    if not links:
        file = f"{seen.prefix}manage.py"
        idle = never_called(seen, file) if stage == "manage.py" else None
        slug = "python-main-never-called" if idle else None
        return slug, (file, idle) if idle else place, ""
    root = links[-1]
    kind, text = root["type"], root["text"]
    every = " ".join(link["text"] for link in links)
    if re.search(r"null bytes|codec can't decode|Non-UTF-8 code", every):
        return "python-not-a-text-file", (place[0] or _no_text(seen), None), ""
    if "SyntaxError" in root["bases"]:
        inside = "'await' outside" in text or "'async with' outside" in text
        merge = _unfinished_merge(seen, place[0])
        if merge:
            hint = "A merge was left unfinished: its marks stand in the file."
            return "python-syntax-error", (place[0], merge), hint
        return (
            ("consumer-await-outside-async" if inside else "python-syntax-error"),
            place,
            "",
        )
    shadow = _shadow(seen, links)
    if shadow:
        return shadow
    if "DatabaseError" in root["bases"]:
        frames = [seen.place(frame) for link in links for frame in link["frames"]]
        ready = next((at for at in frames if in_ready(seen, at)), None)
        if ready:
            return "app-ready-queries-the-database", ready, ""
        mine = [seen.place(f) for link in links for f in link["frames"] if f["own"]]
        asked = [at for at in mine if seen.function_at(at) is None]
        if asked and not is_aside(asked[-1][0] or ""):
            return "db-query-while-importing", asked[-1], ""
    known = misplaced(seen, links, stage)
    if known:
        return known
    uncalled = not_called(seen)
    if "AppRegistryNotReady" in root["bases"] and uncalled:
        return "asgi-get-asgi-application-not-called", uncalled, ""
    if "AppRegistryNotReady" in root["bases"]:
        return (
            "asgi-consumers-imported-before-get-asgi-application",
            _order(seen, links),
            "",
        )
    if "settings are not configured" in text:
        if not _names_settings(seen) or _asked_itself(seen, links):
            return "settings-module-not-set", place, ""
        return "asgi-consumers-imported-before-settings-module", _order(seen, links), ""
    if re.search(r"Cannot find '\w+' in ASGI_APPLICATION module", every):
        return "asgi-v2-get-default-application", place, ""
    if "partially initialized module" in text:
        return "routing-circular-import-with-models", _circle(seen, root, place), ""
    if nowhere := paths.cause(seen, links):
        return nowhere
    if "ImportError" in root["bases"]:
        return explain_import(seen, root, stage, place)
    if kind == "NameError":
        return "python-name-not-defined", place, ""
    if "SECRET_KEY setting must not be empty" in text:
        return "settings-variable-missing", seen.setting("SECRET_KEY"), ""
    if is_of_the_environment(seen, links, place):
        return "settings-variable-missing", place, ""
    if kind == "KeyError" and text == "'admin'" and stage == "urls":
        hint = "urls.py has its pages, and 'django.contrib.admin' is no app here."
        return "apps-admin-without-its-parts", seen.setting("INSTALLED_APPS"), hint
    for slug, pattern in TEXTS:
        if re.search(pattern, every):
            if slug.startswith(("apps-", "origin-allowed")):
                name = "INSTALLED_APPS" if slug.startswith("apps-") else "ALLOWED_HOSTS"
                place = seen.setting(name)
            if slug == "apps-listed-twice":
                place = labelled(seen, text) or place
            if slug == "routing-include-in-urlrouter":
                if routes_are_pages(seen, place):
                    return "routing-page-among-sockets", place, ""
                place = _included(seen) or place
            if slug == "python-arguments-differ" and place[0] is None:
                place = _method(seen, text)
            if slug == "routing-view-is-no-callable":
                slug, place = _instance(seen, slug, place)
            return slug, place, ""
    if stage == "apps" and "has no attribute 'rpartition'" in text:
        hint = "An entry of the list is no text: add lists with +."
        return "apps-name-misspelled", seen.setting("INSTALLED_APPS"), hint
    if kind == "AttributeError":
        return _attribute(seen, text, place)
    if kind == "SystemExit":
        return "settings-exit", place, ""
    if text == "'module' object is not callable" and place[0] is not None:
        return "python-module-mixed-up", place, ""
    return None, place, ""


def _unfinished_merge(seen: Evidence, file: str | None) -> int | None:
    """The line of the first mark that Git has left in a file."""
    text = ""
    with suppress(OSError):
        text = (seen.project / (file or "")).read_text("utf-8", "replace")
    lines = text.splitlines()
    marks = (n for n, line in enumerate(lines, 1) if line.startswith("<<<<<<< "))
    return next(marks, None) if ">>>>>>> " in text else None


def _names_settings(seen: Evidence) -> bool:
    """Whether any file that a server reads names the settings."""
    return any(
        "DJANGO_SETTINGS_MODULE" in module.text or "settings.configure" in module.text
        for module in seen.source.modules.values()
        if not module.file.endswith("manage.py") and not is_aside(module.file)
    )


def _asked_itself(seen: Evidence, links: list[Event]) -> bool:
    """Whether Django itself was to be set up, and no import came too early."""
    own = [f for f in links[-1]["frames"] if f["own"]]
    last = seen.place(own[-1] if own else None)
    module = seen.source.by_file(last[0] or "")
    return last[0] == seen.asgi_file and any(
        isinstance(node, ast.Call)
        and module is not None
        and module.resolve(node.func)
        in ("django.core.asgi.get_asgi_application", "django.setup")
        for node in seen.nodes_at(last)
    )


def _included(seen: Evidence) -> Place | None:
    """An ``include()`` that no page's URLs hold."""
    pages = {str(seen.settings.get("urlconf"))}
    found: list[tuple[str, Place]] = []
    for module in seen.source.modules.values():
        for node in walk(module.tree):
            if isinstance(node, ast.Call) and (module.resolve(node.func) or "") in (
                "django.urls.include",
                "django.urls.conf.include",
            ):
                found.append((module.name, (module.file, node.lineno)))
                if module.name in pages:
                    pages |= {str(getattr(one, "value", "")) for one in node.args}
    return next((place for name, place in found if name not in pages), None)


def _no_text(seen: Evidence) -> str | None:
    """The first Python file of the project that holds bytes that are no text."""
    for path in sorted(seen.home.rglob("*.py")):
        with suppress(OSError):
            if not path.is_file():  # a pipe: it would hang
                continue
            data = path.read_bytes()
            try:
                if "\0" not in data.decode():
                    continue
            except UnicodeDecodeError:
                pass
            return path.relative_to(seen.project).as_posix()
    return None


def _method(seen: Evidence, text: str) -> Place:
    """The method of the project's that Python speaks of: ``ShopConfig.ready()``."""
    named = re.search(r"(\w+)\.(\w+)\(\)", text)
    for one in seen.source.classes.values() if named else ():
        if named and one.name == named[1] and named[2] in one.methods:
            return one.module.file, one.methods[named[2]].node.lineno
    return None, None


def _instance(seen: Evidence, slug: str, place: Place) -> tuple[str, Place]:
    """The class of an object that stands where a route ends, if it is no consumer."""
    module = seen.source.by_file(place[0] or "")
    for node in seen.nodes_at(place):
        if module is None or not isinstance(node, ast.Call):
            continue
        made = seen.source.classes.get(module.resolve(node.func) or "")
        if made and not made.kind and {*HANDLERS, *GENERIC} & set(made.methods):
            return "consumer-base-class-missing", (made.module.file, made.node.lineno)
    return slug, place


def _attribute(
    seen: Evidence, text: str, place: Place
) -> tuple[str | None, Place, str]:
    found = re.search(r"(?:type object|class) '(\w+)' has no attribute '(\w+)'", text)
    if found:
        name, attribute = found[1], found[2]
        if attribute == "as_asgi":
            classes = [c for c in seen.source.classes.values() if c.name == name]
            if classes:
                bare = classes[0].line_of_ancestors[-1]
                at = bare.module.file, bare.node.lineno
                return "consumer-base-class-missing", at, ""
        known = [c for c in seen.source.classes.values() if c.name == name]
        if not any(one.kind for one in known) and known and place[0] is None:
            return None, (known[0].module.file, known[0].node.lineno), ""
        if any(one.kind for one in known):
            hint = f"It is written .{attribute} here."
            return "routing-as-asgi-missing", place, hint
    if re.search(r"^'\w+' object has no attribute '(callback|pattern)'", text):
        return "routing-entry-is-no-route", nested_list(seen, place) or place, ""
    found = re.search(r"module '([\w.]+)' has no attribute '(\w+)'", text)
    if found:
        return cannot_import(seen, found[2], found[1], place)
    return None, place, ""


def _shadow(seen: Evidence, links: list[Event]) -> tuple[str, Place, str] | None:
    """A file of the project that hides an installed module of the same name."""
    hidden = (seen.look.get("shadows") or {}).get("found", [])
    text = " ".join(link["text"] for link in links)
    used = {frame["file"] for link in links for frame in link["frames"]}
    for one in hidden:
        named = re.search(rf"'{one['name']}[.']|'{one['name']}\.", text)
        if named or one["file"] in used:
            package = one["file"].endswith("__init__.py")
            slug = (
                "install-app-named-channels"
                if package
                else "install-file-named-channels-py"
            )
            hint = f"{one['file']} hides the installed module {one['name']}."
            return slug, (seen.prefix + one["file"], 1), hint
    return None


def _order(seen: Evidence, links: list[Event]) -> Place:
    """The line of the ASGI module from which the too early import came."""
    frames = [f for link in links for f in link["frames"] if f["own"]]
    for frame in frames:
        if seen.prefix + frame["file"] == seen.asgi_file:
            return seen.place(frame)
    return seen.place(frames[0] if frames else None)


def _circle(seen: Evidence, root: Event, place: Place) -> Place:
    """The import with which a half-loaded module asked for its own importer."""
    half = re.search(r"partially initialized module '([\w.]+)'", root["text"])
    module = seen.source.modules.get(half[1]) if half else None
    for frame in root["frames"]:
        if module is not None and seen.prefix + str(frame["file"]) == module.file:
            return module.file, frame["line"]
    return place
