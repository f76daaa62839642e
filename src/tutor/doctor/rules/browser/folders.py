"""Files that are there, in a folder that the settings do not look into."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tutor.doctor import copying
from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.source.walking import walk

_BUILT = {"dist", "build", "staticfiles", "public", "out"}


def of_template(seen: Evidence, name: str) -> Place | None:
    """What in TEMPLATES keeps Django from a template that is where it should be."""
    told = seen.look.get("templates") or {}
    own = (seen.look.get("own-apps") or {}).get("found") or []
    apps = {f"{one['file']}/templates" for one in own}
    for folder in _holding(seen, name, told.get("folders", [])):
        if folder in apps:  # an app's own: APP_DIRS is off
            return _key(seen, "TEMPLATES", "APP_DIRS")
        if folder.rpartition("/")[2] == "templates":
            return _key(seen, "TEMPLATES", "DIRS")
    return None


def of_static(seen: Evidence, path: str) -> tuple[str, Place | None] | None:
    """A static file that no finder looks for: where it is, and the setting, if one is.

    What is collected, or built, is served by others than Django.
    """
    told = seen.look.get("static") or {}
    if not seen.settings.get("debug") or _is_prefixed(path, told):
        return None
    for folder in _holding(seen, path, told.get("folders", [])):
        root = told.get("root") and Path(told["root"])
        if root and (seen.home / folder).resolve().name == root.name:
            continue
        place = seen.setting("STATICFILES_DIRS") if told.get("lost") else None
        return f"{seen.prefix}{folder}/{path}", place
    return None


def _is_prefixed(path: str, told: Event) -> bool:
    """Whether a folder is served under the name that a path begins with."""
    begins = {str(one) for one in (told.get("prefixes") or {}).values()}
    return any(path.startswith(f"{one}/") for one in begins)


def _holding(seen: Evidence, name: str, known: list[str]) -> Iterator[str]:
    """The folders that have a file of this name, and are not known to the settings."""
    last = name.rpartition("/")[2]
    for path in sorted(seen.home.rglob(last)) if last and "*" not in last else ():
        file = path.relative_to(seen.home).as_posix()
        folder = file.removesuffix("/" + name)
        parts = set(folder.split("/"))
        if (
            folder != file
            and folder not in known
            and not parts & (_BUILT | {*copying.SKIPPED})
        ):
            yield folder


def _key(seen: Evidence, setting: str, key: str) -> Place:
    """Where a key of a setting stands; the setting where it does not."""
    file, line = seen.setting(setting)
    module = seen.source.by_file(file or "")
    for node in walk(module.tree) if module and line else ():
        if isinstance(node, ast.Constant) and node.value == key:
            return file, node.lineno
    return file, line
