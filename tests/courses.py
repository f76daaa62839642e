"""A small course of three steps, and cells run in a shell as a kernel runs them.

Its slugs are unknown to the checks, so nothing of it needs Django.
"""

from __future__ import annotations

import io
import types
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tutor
from tutor import notebook
from tutor.session import Session

from .conftest import book, code, text

APP = """\
'''A door that answers pages and sockets.'''

NAME = 'door'


async def application(scope, receive, send):
    '''Say the name.'''
    if scope['type'] == 'http':
        await receive()
        await send({'type': 'http.response.start', 'status': 200})
        await send({'type': 'http.response.body', 'body': NAME.encode()})
    elif scope['type'] == 'websocket':
        await receive()
        await send({'type': 'websocket.accept'})
        await send({'type': 'websocket.send', 'text': NAME})
        await send({'type': 'websocket.close', 'code': 4000})
"""
ADD_BELL = "%%edit app.py\n NAME = 'door'\n+BELL = 'bell'\n"
ADD_KNOCKER = "%%edit app.py\n BELL = 'bell'\n+KNOCKER = 'knocker'\n"
WITH_BELL = APP.replace("'door'\n", "'door'\nBELL = 'bell'\n")
WITH_KNOCKER = WITH_BELL.replace("'bell'\n", "'bell'\nKNOCKER = 'knocker'\n")
TREES = {
    "01-one": {"app.py": APP},
    "02-two": {"app.py": WITH_BELL},
    "03-three": {"app.py": WITH_KNOCKER, "bells/loud.py": "LOUD = True\n"},
}
CELLS = {
    1: ["%step 1", f"%%write app.py\n{APP}", "%checkpoint 1"],
    2: ["%step 2", ADD_BELL, "%checkpoint 2"],
    3: [
        "%step 3",
        ADD_KNOCKER,
        "%%write bells/loud.py\nLOUD = True\n",
        "%checkpoint 3",
    ],
}
LABELS = {
    1: {"label": "works"},
    2: {"label": "broken on purpose", "error": "No ring"},
    3: {"label": "silent"},
}


def cells() -> list[dict[str, Any]]:
    """The course's cells, without outputs; each with an id of its own."""
    found = [
        text("# Doors") | {"id": "title"},
        code("import tutor", id="setup", metadata={"tags": ["setup"]}),
    ]
    for number, sources in CELLS.items():
        slug = ("one", "two", "three")[number - 1]
        meta = {"step": number, "slug": slug, "minutes": number * 5} | LABELS[number]
        head = text(f"## Step {number}. Door {slug}", **meta)
        found.append(head | {"id": f"head-{number}"})
        for at, source in enumerate(sources):
            found.append(code(source, id=f"cell-{number}-{at}"))
    return found


def write_tree(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def make(root: Path) -> Path:
    """Write the course below ``root``, its steps derived."""
    root.mkdir(parents=True, exist_ok=True)
    notebook.write(root / "tutorial.ipynb", book(*cells()))
    for name, files in TREES.items():
        write_tree(root / "steps" / name, files)
    return root


@dataclass(frozen=True)
class Shown:
    """What a cell showed, and whether it failed."""

    text: str
    failed: bool

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def refuses(self, *words: str, most: int = 12) -> bool:
        """Whether it failed in a few lines that name what they should.

        A traceback, a frame of ours or a page of text is no answer to a person.
        """
        assert self.failed, self.text
        for unwanted in ("Traceback", 'File "', "src/tutor", "^^^", "\x1b["):
            assert unwanted not in self.text, self.text
        assert 1 <= len(self.lines) <= most, self.text
        for word in words:
            assert word in self.text, f"{word!r} is not in:\n{self.text}"
        return True


class Kernel:
    """An IPython shell with our magics, as a kernel started in ``cwd`` has it."""

    def __init__(self, cwd: Path) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        from tutor.magics import TutorMagics

        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        # A module of its own, so that the test's __main__ stays what it is.
        self.shell = InteractiveShell(
            config=config, user_module=types.ModuleType("cell")
        )
        self.session = Session(cwd)
        self.shell.register_magics(TutorMagics(self.shell, self.session))

    def run(self, source: str) -> Shown:
        """Run one cell."""
        out = io.StringIO()
        before, tutor._session = tutor._session, self.session
        try:
            with redirect_stdout(out):
                done = self.shell.run_cell(source)
        finally:
            tutor._session = before
        return Shown(out.getvalue(), not done.success)

    def runs(self, *sources: str) -> list[Shown]:
        """Run cells that should all do what they should."""
        shown = []
        for source in sources:
            shown.append(self.run(source))
            assert not shown[-1].failed, f"{source}\n{shown[-1].text}"
        return shown

    def end(self) -> None:
        """What a kernel's end does."""
        self.session.stop()
        for place in self.session._scratch:
            place.remove()
