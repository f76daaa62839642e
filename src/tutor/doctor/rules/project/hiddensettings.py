"""Settings that are empty, as the ones that were meant stand in another file."""

from __future__ import annotations

import ast

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.source.walking import walk

Cause = tuple[str, Place, str]


def hidden_settings(seen: Evidence) -> Cause | None:
    """An empty ``settings/``: ``settings.py`` is beside it, or its files are inside."""
    if "INSTALLED_APPS" in seen.settings.get("names", ()):
        return None
    name = str(seen.settings.get("module"))
    base = unshared(seen, name)
    if base is not None:
        return base
    return hidden(seen, name, f"{seen.prefix}manage.py", "settings-module-misspelled")


def unshared(seen: Evidence, name: str) -> Cause | None:
    """Settings of one place, ``dev.py``, that take nothing from those of all."""
    module = seen.source.modules.get(name)
    folder = name.rpartition(".")[0]
    shared = [
        one
        for one in seen.source.modules.values()
        if one.name.rpartition(".")[0] == folder and "INSTALLED_APPS" in one.values
    ]
    if module is None or module.is_package or module.stars or len(shared) != 1:
        return None
    if module in shared or not folder:
        return None
    hint = f"Nothing of {shared[0].file} is in it: write from .{{}} import * above."
    hint = hint.format(shared[0].name.rpartition(".")[2])
    return "apps-own-app-missing", (module.file, 1), hint


def hidden(seen: Evidence, name: str, asker: str | None, slug: str) -> Cause | None:
    """A folder of settings that is named where one of its files was meant.

    Args:
        seen: the evidence.
        name: the settings that are asked for.
        asker: the file that names them.
        slug: what it is there.
    """
    module = seen.source.modules.get(name)
    if module is None or not module.is_package:
        return None
    folder = (seen.project / module.file).parent
    file = folder.parent / f"{folder.name}.py"
    if file.is_file():
        beside = file.relative_to(seen.project).as_posix(), None
        hint = "The folder's own settings are empty."
        return "python-module-beside-package", beside, hint
    inside = [
        one.name
        for one in seen.source.modules.values()
        if one.name.startswith(f"{module.name}.") and "ROOT_URLCONF" in one.values
    ]
    if not inside:
        return None
    asking = seen.source.by_file(asker or "")
    hint = f"{module.name} is a folder, and its own file is empty: name {inside[0]}."
    for node in walk(asking.tree) if asking else ():
        if isinstance(node, ast.Constant) and node.value == module.name and asking:
            return slug, (asking.file, node.lineno), hint
    return None


def hidden_from_servers(seen: Evidence) -> Cause | None:
    """The same where only the ASGI module names an empty folder."""
    asking = seen.source.modules.get(seen.asgi_module)
    for node in walk(asking.tree) if asking is not None else ():
        name = node.value if isinstance(node, ast.Constant) else None
        module = seen.source.modules.get(name) if isinstance(name, str) else None
        if module is None or module.name == seen.settings_name:
            continue
        if all(
            isinstance(getattr(n, "value", 0), ast.Constant) for n in module.tree.body
        ):
            slug = "asgi-settings-module-of-another-project"
            return hidden(seen, module.name, seen.asgi_file, slug)
    return None
