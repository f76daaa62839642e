"""Variables that a start file hands over, against those that the settings read."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tutor.doctor.commands import commands, mentioned, variables
from tutor.doctor.compose import Service
from tutor.doctor.deployed import named
from tutor.doctor.evidence import Evidence
from tutor.doctor.handed import PROGRAMS, handed, to_service
from tutor.doctor.rules.deployment.served import RANK, TRIED
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.services import services, started
from tutor.doctor.source import Module
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

SLUG = "settings-variable-missing"
ENVIRON = "os.environ"
_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_GETS = ("get", "getenv", "env", "config", "environ")
# What reads a file of variables, or many of them at once.
_ELSEHOW = re.compile(
    r"dotenv|read_env|decouple|environs|dynaconf|pydantic_settings|BaseSettings"
)
# Other programs read these: Python, servers, databases, libraries.
_OF_OTHERS = re.compile(
    r"(?:DJANGO_SETTINGS_MODULE|PATH|PORT|HOST|TZ|LANG|USER|HOME|WEB_CONCURRENCY)|"
    r"(?:PYTHON|PIP|PG|POSTGRES|MYSQL|LC_|AWS|SENTRY|OTEL|DD_|UV|GUNICORN|UVICORN).*"
)
_FILES = r"(?m)^\s*(?:EnvironmentFile|PassEnvironment|LoadCredential\w*)\s*="
_ADDED = ("DJANGO_", "APP_")
Given = dict[str, Place]


def rules(seen: Evidence) -> Iterator[Found]:
    own = [one for one in seen.source.modules.values() if not is_aside(one.file)]
    read = {name for module in own for name in _read(module)}
    if not read:
        return
    every = [*_handed(seen)]
    yield from [*_misnamed(seen, every, read), *_without(seen, every)][:1]
    yield from _beside(seen, read)


def _read(module: Module) -> Iterator[str]:
    """The variables that a module asks for by their names."""
    if not re.search(r"environ|getenv|config|\benv\b", module.text):
        return
    for node in walk(module.tree):
        asked: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            asked = node.slice if module.resolve(node.value) == ENVIRON else None
        elif isinstance(node, ast.Call) and node.args:
            asked = node.args[0]
        text = getattr(asked, "value", None)
        if isinstance(text, str) and _NAME.fullmatch(text):
            yield text


def _handed(seen: Evidence) -> Iterator[tuple[Service, Given]]:
    """The services that run the project, and what each is handed; its image, too."""
    told = commands(seen.project)
    every = [*services(seen.project)]
    for service in every:
        begun = started(service, told, PROGRAMS)
        if not begun or {"secrets", "extends.service", "extends"} & {*service.keys}:
            continue
        given: Given = {}
        for one in begun:
            for name, (_, line) in one.env.items():
                given[name] = one.file, line
        for other in (one for one in every if one.name == service.name):
            for name, by in to_service(seen.project, other).items():
                given[name] = by.file, by.line
            listed, line = other.keys.get("environment", ("", 0))
            for name in listed if isinstance(listed, list) else ():
                given[name.partition("=")[0]] = other.file, line
            for name, (_, line) in other.below("environment").items():
                given[name] = other.file, line
        yield service, given


def _misnamed(
    seen: Evidence, every: list[tuple[Service, Given]], read: set[str]
) -> Iterator[Found]:
    """A variable that nobody reads, beside one like it that is read and not given."""
    texts = "\n".join(one.text for one in seen.source.modules.values())
    also = {name for _, _, name, _ in variables(seen.project)}
    for _, given in every:
        for name, place in given.items():
            asked = rf"\b{name}\b"
            if _OF_OTHERS.fullmatch(name) or re.search(asked, texts):
                continue
            if mentioned(seen.project, rf"\$\{{?{name}\b"):
                continue
            left = read - {*given} - also
            near = difflib.get_close_matches(name, sorted(left), 1, 0.85)
            near += [one for one in left if _differ_by_a_word(one, name)]
            if near:
                yield Found(
                    SLUG,
                    f"nobody reads {name}; the settings read {near[0]}",
                    place,
                    RANK - 1,
                    TRIED,
                    near[0],
                    "It is handed over by a name that nobody asks for.",
                )


def _differ_by_a_word(one: str, other: str) -> bool:
    """Whether one of two names has a word before it that the other has not."""
    return any(
        f"{word}{short}" == whole
        for word in _ADDED
        for short, whole in ((one, other), (other, one))
    )


def _without(seen: Evidence, every: list[tuple[Service, Given]]) -> Iterator[Found]:
    """A service whose settings ask for a variable by its name, and are not given it."""
    if _reads_files(seen):
        return
    for service, given in every:
        if _is_handed_more(seen, service):
            continue
        begun = started(service, commands(seen.project), PROGRAMS)
        name = begun[0].env.get("DJANGO_SETTINGS_MODULE", ("", 0))[0]
        for asked in _needs(seen, name or _usual(seen)):
            scripts = rf"\bexport\s+{asked}\b"
            if asked not in given and not mentioned(seen.project, scripts):
                line = service.keys.get("environment", ("", service.line))[1]
                yield Found(
                    SLUG,
                    f"KeyError: {asked!r} in the service {service.name}",
                    (service.file, line),
                    RANK,
                    TRIED,
                    f"{asked} among its variables",
                )
                return


def _is_handed_more(seen: Evidence, service: Service) -> bool:
    """Whether a service has a file of variables that nobody sees here."""
    told = service.keys.get("env_file", ("", 0))[0]
    names = [told] if isinstance(told, str) else told
    files = {one.file for one in to_service(seen.project, service).values()}
    shown = {PurePosixPath(file).name for file in files}
    return any(name and PurePosixPath(name).name not in shown for name in names)


def _usual(seen: Evidence) -> str:
    """The settings that asgi.py names, or else those of manage.py."""
    asgi = seen.source.modules.get(seen.asgi_module)
    return (named(asgi.text) if asgi is not None else "") or seen.settings_name


def _reads_files(seen: Evidence) -> bool:
    return any(_ELSEHOW.search(one.text) for one in seen.source.modules.values())


def _needs(seen: Evidence, name: str) -> Iterator[str]:
    """The variables without which some settings cannot be loaded."""
    todo = [name]
    for one in todo:  # it grows
        module = seen.source.modules.get(one)
        for statement in module.tree.body if module is not None else ():
            if not isinstance(statement, ast.Assign | ast.AnnAssign):
                continue
            chosen = (ast.IfExp, ast.BoolOp, ast.Lambda)
            if any(isinstance(node, chosen) for node in walk(statement)):
                continue
            for node in walk(statement):
                text = getattr(getattr(node, "slice", None), "value", None)
                if (
                    module is not None
                    and isinstance(node, ast.Subscript)
                    and isinstance(node.ctx, ast.Load)
                    and isinstance(text, str)
                    and module.resolve(node.value) == ENVIRON
                ):
                    yield text
        todo += [star for star in (module.stars if module else ()) if star not in todo]


def _beside(seen: Evidence, read: set[str]) -> Iterator[Found]:
    """A unit that is handed nothing, where another one has a file of variables."""
    units = {
        one.file: one
        for one in commands(seen.project)
        if one.program in PROGRAMS and one.file.endswith(".service")
    }
    texts = {
        file: (seen.project / file).read_text("utf-8", "replace") for file in units
    }
    told = [file for file, text in texts.items() if re.search(_FILES, text)]
    shown = {*handed(seen.project)}
    if not told or _reads_files(seen) or (shown and not shown & read):
        return
    for file, text in texts.items():
        shelled = re.search(r"\b(?:ba)?sh\s+-l?c\b|\benvdir\b|\.d/", text)
        if file not in told and not units[file].env and not shelled:
            yield Found(
                SLUG,
                f"no EnvironmentFile; {told[0]} has one",
                (file, units[file].line),
                RANK,
                TRIED,
                "EnvironmentFile= with the file of variables",
            )
            return
