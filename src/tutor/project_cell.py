"""Run the code of a ``%%project`` cell in a process of its own.

Started as a script, by path: ``python -P project_cell.py CODEFILE``, with the
project as its folder.  Django is set up first; ``await`` works at top level.
"""

import ast
import asyncio
import inspect
import linecache
import os
import re
import sys
import traceback
from pathlib import Path

NAME = "<cell>"


def settings_module(project: Path) -> str:
    """The settings that manage.py names; a project may call them as it likes."""
    text = (project / "manage.py").read_text(encoding="utf-8")
    named = re.search(r"DJANGO_SETTINGS_MODULE['\"],\s*['\"]([\w.]+)", text)
    return named[1] if named else "webapp.settings"


def main(path: str) -> None:
    """Execute the code in ``path`` inside the project in the current folder."""
    project = Path.cwd()
    sys.path.insert(0, str(project))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module(project))
    code = Path(path).read_text(encoding="utf-8")
    # So that a traceback shows the cell's own lines.
    linecache.cache[NAME] = (len(code), None, code.splitlines(True), NAME)
    sys.excepthook = traceback.print_exception  # before 3.13 the other one reads files
    compiled = compile(code, NAME, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    import django

    django.setup()
    names = {"__name__": "__main__"}
    if inspect.CO_COROUTINE & compiled.co_flags:
        asyncio.run(eval(compiled, names))
    else:
        exec(compiled, names)


if __name__ == "__main__":
    main(sys.argv[1])
