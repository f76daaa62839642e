"""What keeps a project from being loaded at all: settings, apps, the ASGI module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.database.tables import in_ready
from tutor.doctor.rules.found import (
    GENERIC,
    HANDLERS,
    Found,
    Place,
    deepest,
    last_line,
)
from tutor.doctor.rules.project.imports import MISSING, cannot_import, explain_import
from tutor.doctor.rules.project.misplaced import cause as misplaced
from tutor.doctor.rules.project.standard import shadowed
from tutor.doctor.rules.python.idle import never_called
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 10


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
        slug: str | None = None
        place: Place = (f"{seen.prefix}manage.py", None)
        if named:
            hidden = shadowed(seen)
            if hidden:
                yield hidden
                return
            # It ended while the settings were loaded, of its own will or not.
            slug = "settings-exit" if seen.look.code in range(128) else None
            known = seen.source.modules.get(named["name"])
            place = known.file if known else None, None
        got, tried = _end(seen), "loading the settings"
        yield Found(slug, got, place, RANK, tried, "settings that load")
        return
    asgi = seen.failed(seen.look, "asgi") or seen.failed(seen.look, "urls")
    if asgi and asgi["stage"] == "asgi" and not _names_nothing(seen, asgi["error"]):
        yield explain(seen, asgi["error"], "asgi")
        return
    served = seen.failed(seen.alone or seen.serve, "daphne", "asgi")
    if served and not (asgi and asgi["stage"] == "asgi"):
        yield explain(seen, served["error"], served["stage"])
        return
    if asgi and asgi["stage"] == "urls":
        yield explain(seen, asgi["error"], "urls")


def _unfinished_merge(seen: Evidence, file: str | None) -> int | None:
    """The line of the first mark that Git has left in a file."""
    text = ""
    with suppress(OSError):
        text = (seen.project / (file or "")).read_text("utf-8", "replace")
    lines = text.splitlines()
    marks = (n for n, line in enumerate(lines, 1) if line.startswith("<<<<<<< "))
    return next(marks, None) if ">>>>>>> " in text else None


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
    missing = MISSING.search(root.get("text", ""))
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
    if slug is None or at[0] is None:
        where, said = _named(seen, links, at, got)
        if where != at:
            return Found(None, said, where, RANK, tried, expected)
    return Found(slug, got, at, RANK, tried, expected, hint)


def _named(
    seen: Evidence, links: list[Event], place: Place, got: str
) -> tuple[Place, str]:
    """Where a part of the settings is written that Django could not make."""
    every = " ".join(link["text"] for link in links)
    unmade = re.search(r"Unable to configure (?:\w+)(?: '([^']+)')?", every)
    if unmade and place[1] is None:
        file, line = seen.setting("LOGGING")
        module = seen.source.by_file(file or "")
        for value in module.values.get("LOGGING", []) if module else ():
            for node in walk(value):
                if unmade[1] and getattr(node, "value", None) == unmade[1]:
                    return (file, getattr(node, "lineno", line)), f"{unmade[0]}: {got}"
        return (file, line), f"{unmade[0]}: {got}"
    kind = (
        re.match(r"(\w+)\(\) takes no arguments", links[-1]["text"]) if links else None
    )
    for name in seen.settings.get("middleware") or () if kind else ():
        one = seen.source.classes.get(str(name))
        if one is not None and kind and one.name == kind[1]:
            return (one.module.file, one.node.lineno), got
    return place, got


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
    known = misplaced(seen, links, stage)
    if known:
        return known
    uncalled = _uncalled(seen)
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
    if "ImportError" in root["bases"]:
        return explain_import(seen, root, stage, place)
    if kind == "NameError":
        return "python-name-not-defined", place, ""
    if _is_of_the_environment(seen, links, place):
        return "settings-variable-missing", place, ""
    for slug, pattern in _TEXTS:
        if re.search(pattern, every):
            if slug.startswith(("apps-", "origin-allowed")):
                name = "INSTALLED_APPS" if slug.startswith("apps-") else "ALLOWED_HOSTS"
                place = seen.setting(name)
            if slug == "routing-include-in-urlrouter":
                place = _included(seen) or place
            if slug == "routing-view-is-no-callable":
                slug, place = _instance(seen, slug, place)
            return slug, place, ""
    if kind == "AttributeError":
        return _attribute(seen, text, place)
    if kind == "SystemExit":
        return "settings-exit", place, ""
    return None, place, ""


# What django-environ, python-decouple and environs say.
_UNSET = re.compile(
    r"Set the \w+ environment variable|\w+ not found\. Declare it as envvar|"
    r"Environment variable \"\w+\" not set"
)


def _is_of_the_environment(seen: Evidence, links: list[Event], place: Place) -> bool:
    """Whether a variable is missing, which a line asks the environment for."""
    text = " ".join(link["text"] for link in links)
    if _UNSET.search(text):
        return True
    module = seen.source.by_file(place[0] or "")
    if text.startswith("'NoneType' object has no attribute"):
        return any(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Call)
            and len(node.value.args) == 1
            and module is not None
            and module.resolve(node.value.func) in ("os.getenv", "os.environ.get")
            for node in seen.nodes_at(place)
        )
    if links[-1]["type"] == "TypeError" and "NoneType" in text:
        return module is not None and any(
            isinstance(node, ast.Call)
            and len(node.args) == 1
            and module.resolve(node.func) in ("os.getenv", "os.environ.get")
            for node in seen.nodes_at(place)
        )
    if links[-1]["type"] != "KeyError":
        return False
    asked = [
        node.slice.value
        for node in seen.nodes_at(place)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and module is not None
        and module.resolve(node.value) == "os.environ"
    ]
    return any(repr(one) == links[-1]["text"] for one in asked)


_TEXTS = (
    ("db-wrapper-around-async", r"can only be applied to sync functions"),
    ("routing-include-in-urlrouter", r"include\(\) is not supported in URLRouter"),
    (
        "origin-validator-without-list",
        r"missing 1 required positional argument: 'allowed_origins'",
    ),
    ("apps-missing-comma", r"INSTALLED_APPS setting must be a list or a tuple"),
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
        r"URLRouter.__init__\(\) (takes|got)|"
        r"__init__\(\) missing 1 required positional argument: 'routes'",
    ),
    ("consumer-type-field-not-literal", r"field '\w+' to be of type `Literal`"),
    (
        "consumer-discriminator-does-not-tell",
        r"needs a discriminator field for key|mapped to multiple",
    ),
    ("routing-view-called", r"missing 1 required positional argument: 'request'"),
    (
        "routing-view-is-no-callable",
        r"view must be a callable|arguments: 'scope', 'receive', and 'send'",
    ),
    (
        "consumer-model-field-without-type",
        r"requires a type annotation|non-annotated attribute was detected",
    ),
    ("routing-pattern-not-compiled", r'"\S*" is not a valid regular expression'),
)


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


def _uncalled(seen: Evidence) -> Place | None:
    """Where the ASGI module names ``get_asgi_application`` that it never calls."""
    module = seen.source.modules.get(seen.asgi_module)
    nodes = [*walk(module.tree)] if module is not None else []
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    named = [
        node
        for node in nodes
        if isinstance(node, (ast.Name, ast.Attribute))
        and module is not None
        and module.resolve(node) == "django.core.asgi.get_asgi_application"
    ]
    if module is None or not named or any(id(node) in called for node in named):
        return None
    return module.file, named[0].lineno


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
            data = path.read_bytes()
            try:
                if "\0" not in data.decode():
                    continue
            except UnicodeDecodeError:
                pass
            return path.relative_to(seen.project).as_posix()
    return None


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
        return "routing-as-asgi-missing", place, f"It is written .{attribute} here."
    if re.search(r"^'\w+' object has no attribute '(callback|pattern)'", text):
        return "routing-entry-is-no-route", place, ""
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
