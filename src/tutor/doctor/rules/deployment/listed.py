"""Packages that a project uses, against the lists from which it is installed."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutor.doctor import copying
from tutor.doctor.commands import Command, commands
from tutor.doctor.deployed import WORD
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment import pinned
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.services import services, started
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.startfiles import is_image

RANK = 67
TRIED = "reading the lists of packages"
MOST = 2_000_000  # bytes: a lock is long
DEEP = 3  # folders
_LIST = re.compile(
    r"(.*requirements.*|.*constraints.*|.*dependencies.*)\.(txt|in)|pyproject\.toml|"
    r"Pipfile|setup\.(cfg|py)|environment\.ya?ml|.*\.lock"
)
_SAYS = re.compile(r"(Makefile|README|justfile).*|.*\.(sh|ya?ml)")
# The package of which every such list has a line.
_CHANNELS = re.compile(
    r"(?:^[\s\"'-]*|[\"'])channels(?:\[[\w,\s-]*\])?\s*(?:[<>=~!;@\"',#]|$)", re.M
)


def rules(seen: Evidence) -> Iterator[Found]:
    texts = list(_texts(seen.project))
    own = [(file, text) for file, text, is_list in texts if is_list]
    place = next((at for file, text in own if (at := _line(file, text))), None)
    if place is None:
        yield from _without_channels(seen, own, [text for _, text, _ in texts])
        return
    old = any(pinned.is_old(line) for _, text in own for line in text.splitlines())
    for package, slug in _used(seen):
        if package == "daphne" and old:
            continue  # Channels 3 brings it
        word = re.sub(r"[-_]", "[-_.]", package)
        word = _OTHERS.get(package, word)
        named = re.compile(rf"(?<![\w.-]){word}(?![\w-])", re.I)
        if not any(named.search(text) for _, text, _ in texts):
            yield Found(
                slug,
                f"ModuleNotFoundError: No module named {package!r}, once it is "
                "installed from this list",
                place,
                RANK,
                TRIED,
                f"a line for {package}",
            )


# What brings a package along, or does as well.
_OTHERS = {
    "uvicorn": "(?:uvicorn(?:-worker)?|fastapi|litestar)",
    "psycopg2": "(?:python3-)?psycopg[23]?(?:-binary|-c)?",
}


def _without_channels(
    seen: Evidence, own: list[tuple[str, str]], texts: list[str]
) -> Iterator[Found]:
    """A list with Django in it, and nothing that is Channels, or brings it."""
    if any("channel" in _OTHER.sub("", text).lower() for text in texts):
        return
    if not any(one.kind for one in seen.source.consumers()):
        return
    for wanted in (_OTHER, _DJANGO):
        for file, text in own:
            match = wanted.search(text)
            if match is not None and not file.endswith(".lock"):
                yield Found(
                    "install-channels-missing",
                    "ModuleNotFoundError: No module named 'channels', once it is "
                    "installed from this list",
                    (file, text.count("\n", 0, match.start()) + 1),
                    RANK,
                    TRIED,
                    "a line for channels",
                    "django-channels is another package." if wanted is _OTHER else "",
                )
                return


_OTHER = re.compile(r"(?<![\w.-])django[-_]channels(?![\w-])", re.I)
_DJANGO = re.compile(r"(?m)(?<![\w.-])django(?=\s*(?:[<>=~!;@\"',#\[]|$))", re.I)


def _used(seen: Evidence) -> Iterator[tuple[str, str]]:
    """The packages that settings or commands name, each with what its lack is."""
    apps = [str(app) for app in seen.settings.get("apps") or []]
    served = any(one.program == "daphne" for one in commands(seen.project))
    if served or any(app.partition(".")[0] == "daphne" for app in apps):
        yield "daphne", "install-channels-without-daphne-extra"
    if _on_postgres(seen):
        yield "psycopg2", "install-package-missing"
    for one in commands(seen.project):
        if one.file == "Procfile" or is_image(one.file) or one.file in _composed(seen):
            yield from _of_command(seen, one)
    for module in seen.source.modules.values():
        if "CHANNEL_LAYERS" not in {*module.lines, *module.changed}:
            continue
        if not is_aside(module.file) and any(
            isinstance(node, ast.Constant)
            and str(node.value).startswith("channels_redis.")
            for node in walk(module.tree)
        ):
            yield "channels_redis", "redis-package-missing"
            return


def _on_postgres(seen: Evidence) -> bool:
    """Whether the servers that are started ask a PostgreSQL."""
    told = commands(seen.project)
    own = (one for one in services(seen.project) if started(one, told))
    urls = (url for one in own for url, _ in one.below("environment").values())
    databases = [one["databases"] for one in seen.deployed.all("deployed")]
    return any(
        re.match(r"(?:postgres(?:ql)?|postgis|psql)://", url) for url in urls
    ) or any(
        engine.endswith(".postgresql") and host not in ("", WORD)
        for each in databases
        for engine, host in each.values()
    )


def _composed(seen: Evidence) -> set[str]:
    """The files of services that are built here."""
    return {one.file for one in services(seen.project) if one.dockerfile}


def _of_command(seen: Evidence, one: Command) -> Iterator[tuple[str, str]]:
    """A server that is installed from a list, before it is started."""
    if is_image(one.file):
        text = (seen.project / one.file).read_text("utf-8", "replace")
        if not all(re.match(r"(?:[\w./-]*/)?python\b", base) for base in _BASE(text)):
            return  # who knows what its image brings
    for package in ("gunicorn", "uvicorn", "hypercorn"):
        workers = f"{package}.workers" in " ".join(one.words)
        if one.program == package or (workers and one.program == "gunicorn"):
            yield package, "install-package-missing"


_BASE = re.compile(r"(?mi)^\s*FROM\s+(?:--\S+\s+)*(\S+)").findall


def _line(file: str, text: str) -> Place | None:
    match = next((m for m in _CHANNELS.finditer(text) if not _is_aside(text, m)), None)
    if match is None or file.endswith(".lock"):
        return None
    return file, text.count("\n", 0, match.end() - 1) + 1


def _is_aside(text: str, match: re.Match[str]) -> bool:
    """Whether a line names a package and does not ask for it."""
    line = text[text.rfind("\n", 0, match.end() - 1) + 1 : match.end()]
    return bool(re.match(r"\s*(keywords|classifiers|module|known|skip|ignore)", line))


def _texts(project: Path) -> Iterator[tuple[str, str, bool]]:
    """The lists, and of other files the lines that install something."""
    for folder, folders, names in os.walk(project):
        here = Path(folder)
        folders[:] = sorted(f for f in folders if f not in copying.SKIPPED)
        if len(here.relative_to(project).parts) >= DEEP:
            folders.clear()
        for name in sorted(names):
            is_list = bool(_LIST.fullmatch(name))
            is_list |= here.name == "requirements" and name.endswith((".txt", ".in"))
            path = here / name
            if (
                not (is_list or _SAYS.fullmatch(name) or is_image(name))
                or not path.is_file()
            ):
                continue
            with suppress(OSError):
                if path.stat().st_size > MOST:
                    continue
                text = path.read_text("utf-8", "replace")
                if not is_list:
                    lines = text.replace("\\\n", " ").splitlines()
                    text = "\n".join(one for one in lines if "install" in one)
                yield path.relative_to(project).as_posix(), text, is_list
