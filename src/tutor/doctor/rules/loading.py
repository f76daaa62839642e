"""What keeps a project from being loaded at all: settings, apps, the ASGI module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import NOWHERE, Found, Place, deepest, last_line

RANK = 10
_LIBRARY = re.compile(r"No module named '([^']+)'")
_CANNOT = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
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


def rules(seen: Evidence) -> Iterator[Found]:
    """The first thing that failed, in the order in which a project is loaded."""
    for stage in ("django", "manage.py", "settings", "apps"):
        event = seen.failed(seen.look, stage)
        if event:
            yield explain(seen, event["error"], stage)
            return
    hang = seen.look.get("hang") or seen.serve.get("hang")
    if hang:
        yield _hang(seen, hang)
        return
    if not seen.look.get("settings"):
        named = seen.look.get("settings-module")
        if named and not named["name"]:
            yield Found(
                "settings-module-not-set",
                "Requested setting INSTALLED_APPS, but settings are not configured.",
                (f"{seen.prefix}manage.py", None),
                RANK,
                *_STAGES["manage.py"],
            )
            return
        yield Found(
            None,
            _end(seen),
            NOWHERE,
            RANK,
            "loading the settings",
            "settings that load",
        )
        return
    asgi = seen.failed(seen.look, "asgi") or seen.failed(seen.look, "urls")
    if asgi and asgi["stage"] == "asgi" and not _names_nothing(seen, asgi["error"]):
        yield explain(seen, asgi["error"], "asgi")
        return
    served = seen.failed(seen.serve, "daphne", "asgi")
    if served and not (asgi and asgi["stage"] == "asgi"):
        yield explain(seen, served["error"], served["stage"])
        return
    if asgi and asgi["stage"] == "urls":
        yield explain(seen, asgi["error"], "urls")


def _names_nothing(seen: Evidence, links: list[Event]) -> bool:
    """Whether ASGI_APPLICATION itself is wrong, which other rules explain."""
    named = str(seen.settings.get("asgi") or "")
    module, _, name = named.rpartition(".")
    root = links[-1] if links else {}
    if deepest(links) is not None:
        return False
    if (
        root.get("type") == "AttributeError"
        and f"has no attribute '{name}'" in root["text"]
    ):
        return True
    missing = _LIBRARY.search(root.get("text", ""))
    return bool(missing and (module + ".").startswith(missing[1] + "."))


def _hang(seen: Evidence, hang: Event) -> Found:
    own = next((f for f in reversed(hang["frames"]) if f["own"]), None)
    return Found(
        "project-hangs-while-loading",
        f"no end after {hang['seconds']} seconds",
        seen.place(own),
        RANK,
        f"loading the project ({hang['stage']})",
        "a project that loads",
    )


def _end(seen: Evidence) -> str:
    lines = [line for line in seen.look.out.splitlines() if line.strip()]
    return lines[-1][-300:] if lines else f"it ended with status {seen.look.code}"


def explain(seen: Evidence, links: list[Event], stage: str) -> Found:
    """Name the cause of an exception that was raised while loading."""
    place = seen.place(deepest(links))
    got = last_line(links)
    tried, expected = _STAGES[stage]
    slug, at, hint = _cause(seen, links, stage, place)
    return Found(slug, got, at, RANK, tried, expected, hint)


_STAGES = {
    "django": ("importing Django", "a Django that is installed"),
    "manage.py": ("python manage.py check", "a command that runs"),
    "settings": ("loading the settings", "settings that load"),
    "apps": ("loading the apps in INSTALLED_APPS", "apps that load"),
    "asgi": (
        "importing the ASGI module as daphne does",
        "a module with an application",
    ),
    "daphne": ("importing Daphne", "a Daphne that is installed"),
    "urls": ("loading the pages' URLs", "URLs that load"),
}


def _cause(
    seen: Evidence, links: list[Event], stage: str, place: Place
) -> tuple[str | None, Place, str]:
    if not links:
        return None, place, ""
    root = links[-1]
    kind, text = root["type"], root["text"]
    every = " ".join(link["text"] for link in links)
    if re.search(r"null bytes|codec can't decode|Non-UTF-8 code", every):
        return "python-not-a-text-file", (place[0], None), ""
    if "SyntaxError" in root["bases"]:
        inside = "'await' outside" in text or "'async with' outside" in text
        return (
            ("consumer-await-outside-async" if inside else "python-syntax-error"),
            place,
            "",
        )
    shadow = _shadow(seen, links)
    if shadow:
        return shadow
    if "AppRegistryNotReady" in root["bases"]:
        return (
            "asgi-consumers-imported-before-get-asgi-application",
            _order(seen, links),
            "",
        )
    if "settings are not configured" in text:
        return "asgi-consumers-imported-before-settings-module", _order(seen, links), ""
    if re.search(r"Cannot find '\w+' in ASGI_APPLICATION module", every):
        return "asgi-v2-get-default-application", place, ""
    if "partially initialized module" in text:
        return "routing-circular-import-with-models", _circle(seen, root, place), ""
    if "ImportError" in root["bases"]:
        return _import(seen, root, stage, place)
    if kind == "NameError":
        return "python-name-not-defined", place, ""
    for slug, pattern in _TEXTS:
        if re.search(pattern, every):
            if slug.startswith(("apps-", "origin-allowed")):
                name = "INSTALLED_APPS" if slug.startswith("apps-") else "ALLOWED_HOSTS"
                place = seen.setting(name)
            return slug, place, ""
    if kind == "AttributeError":
        return _attribute(seen, text, place)
    if kind == "SystemExit":
        return "settings-exit", place, ""
    return None, place, ""


_TEXTS = (
    ("routing-include-in-urlrouter", r"include\(\) is not supported in URLRouter"),
    (
        "origin-validator-without-list",
        r"missing 1 required positional argument: 'allowed_origins'",
    ),
    ("apps-listed-twice", r"Application labels aren't unique"),
    ("origin-allowed-hosts-is-a-string", r"ALLOWED_HOSTS setting must be a list"),
    ("apps-own-app-missing", r"doesn't declare an explicit app_label"),
    (
        "asgi-router-without-mapping",
        r"ProtocolTypeRouter.*(__init__\(\)|takes|unexpected|missing)",
    ),
    ("asgi-list-passed-without-urlrouter", r"'list' object is not callable"),
    (
        "asgi-router-without-mapping",
        r"__init__\(\) missing 1 required positional argument: 'application_mapping'",
    ),
    (
        "asgi-urlrouter-without-list",
        r"__init__\(\) missing 1 required positional argument: 'routes'",
    ),
    (
        "asgi-urlrouter-without-list",
        r"'(URLPattern|URLRouter|module|dict)' object is not iterable",
    ),
    ("routing-view-is-no-callable", r"view must be a callable"),
    ("routing-pattern-not-compiled", r'"\S*" is not a valid regular expression'),
)


def _attribute(
    seen: Evidence, text: str, place: Place
) -> tuple[str | None, Place, str]:
    found = re.search(r"(?:type object|class) '(\w+)' has no attribute '(\w+)'", text)
    if found:
        name, attribute = found[1], found[2]
        if attribute == "as_asgi":
            classes = [c for c in seen.source.classes.values() if c.name == name]
            if classes:
                return (
                    "consumer-base-class-missing",
                    (classes[0].module.file, classes[0].node.lineno),
                    "",
                )
        return "routing-as-asgi-missing", place, f"It is written .{attribute} here."
    found = re.search(r"module '([\w.]+)' has no attribute '(\w+)'", text)
    if found:
        return "asgi-any-import-error-is-masked", place, ""
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


def _import(
    seen: Evidence, root: Event, stage: str, place: Place
) -> tuple[str | None, Place, str]:
    text = root["text"]
    cannot = _CANNOT.search(text)
    if cannot:
        return _cannot_import(seen, cannot[1], cannot[2], place)
    if "Couldn't import Django" in text:
        return "install-outside-the-virtualenv", NOWHERE, ""
    missing = _LIBRARY.search(text)
    name = missing[1] if missing else str(root.get("name") or "")
    top = name.partition(".")[0]
    imported = _imported(seen, place)
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
        if "rout" in last:
            return "routing-file-in-wrong-folder", place, f"There is no module {name}."
        return "asgi-any-import-error-is-masked", place, f"There is no module {name}."
    near = seen.near(top, own - {top, "manage"})
    if near or (last in _COMMON and top != name):
        hint = f"The project has the package {near}." if near else ""
        return "asgi-app-package-misspelled", place, hint
    if last in _COMMON:
        return "asgi-any-import-error-is-masked", place, f"There is no module {name}."
    return "install-package-missing", place, f"It needs the package {top}."


def _tops(seen: Evidence) -> set[str]:
    """The top-level packages and modules of the project."""
    return {module.partition(".")[0] for module in seen.source.modules}


def _imported(seen: Evidence, place: Place) -> str:
    """The whole dotted name that the import at a line asks for."""
    for node in seen.nodes_at(place):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            return node.module
    return ""


def _entry(seen: Evidence, place: Place) -> Place:
    return place if place[0] else seen.setting("INSTALLED_APPS")


def _cannot_import(
    seen: Evidence, name: str, module: str, place: Place
) -> tuple[str | None, Place, str]:
    if module in ("django.conf.urls", "django.urls") and name in ("url", "patterns"):
        return "routing-django-conf-urls-url", place, ""
    there = seen.source.modules.get(module)
    if there is None:
        return "asgi-any-import-error-is-masked", place, f"{module} has no {name}."
    near = seen.near(name, there.lines, 0.6)
    hint = f"{there.file} has {near}." if near else f"{there.file} has no {name}."
    lists = [
        n for n, values in there.values.items() if isinstance(values[-1], ast.List)
    ]
    if "pattern" in name or "rout" in name or (near in lists):
        if name == "websocket_urlpatterns" and near:
            place = there.file, there.lines[near]
        return "routing-list-name-differs", place, hint
    return "asgi-any-import-error-is-masked", place, hint


def _apps(seen: Evidence, name: str) -> tuple[str, Place, str] | None:
    """An entry of INSTALLED_APPS that no module answers to."""
    entries = [str(app) for app in seen.settings.get("apps") or []]
    entry = next((e for e in entries if e == name or e.startswith(name + ".")), None)
    if entry is None:
        return None
    joined = _joined(seen, entry)
    if joined:
        return "apps-missing-comma", joined, ""
    if len(entry) == 1:
        return "apps-string-added", seen.setting("INSTALLED_APPS"), ""
    place = _written(seen, entry) or seen.setting("INSTALLED_APPS")
    own = _tops(seen)
    near = seen.near(entry.partition(".")[0], own | {"daphne", "channels", "django"})
    hint = f"The nearest name is {near}." if near else ""
    return "apps-name-misspelled", place, hint


def _joined(seen: Evidence, value: str) -> Place | None:
    """Where two neighbouring strings have become ``value``."""
    for module in seen.source.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and node.value == value:
                text = ast.get_source_segment(module.text, node) or ""
                if len(re.findall(r"(['\"])[^'\"]*\1", text)) > 1:
                    return module.file, node.lineno
    return None


def _written(seen: Evidence, value: str) -> Place | None:
    """Where a string stands in the settings."""
    file = seen.setting("INSTALLED_APPS")[0]
    module = seen.source.by_file(file or "")
    for node in ast.walk(module.tree) if module else ():
        if isinstance(node, ast.Constant) and node.value == value:
            return file, node.lineno
    return None


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
    for node in ast.walk(module.tree) if module else ():
        if isinstance(node, ast.Constant) and str(node.value).startswith(
            name.split(".")[0]
        ):
            line = node.lineno
    if deepest([root]) and line is None and not asgi:
        return None
    return slug, (file, line), f"There is no module {name}."
