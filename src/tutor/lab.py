"""``lab`` and ``edit``: JupyterLab on the learner's copy, or on the original.

The learner's copy stands in the workspace beside the project that grows there.
It is made once and never overwritten: a newer course is merged into it, after a
copy of it was put into ``.tutor/saved/``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

from tutor import notebook, places
from tutor.arguments import refuse_unknown
from tutor.course import NOTEBOOK
from tutor.merge import Merged, Notebook, copy_for_learner, merge
from tutor.report import Refusal

GIVEN = ".tutor/course.ipynb"  # the course as it was last given out


def lab(argv: list[str]) -> int:
    """Open the learner's copy of the tutorial; make or update it first.

    Args:
        argv: passed on to JupyterLab, such as ``--no-browser`` or ``--port=8888``.

    Raises:
        Refusal: JupyterLab does not know an option, the course can't be read, or
            the workspace can't be written.
    """
    _known("lab", argv)
    folder = places.workspace()
    course = notebook.read(places.root() / NOTEBOOK)
    running = next(servers(folder), None)
    if running is not None:
        print(
            f"JupyterLab already runs on {_shown(folder)}: {running['url']}"
            f"lab?token={running['token']} (process {running['pid']});"
            " this is a second one, and your copy is left as it is.",
            flush=True,
        )
    if running is None or not (folder / NOTEBOOK).exists():
        print(prepare(folder, course), flush=True)
    return _serve(folder, argv)


def workspace(argv: list[str]) -> int:
    """Make or update the learner's copy, for who opens it elsewhere: VS Code, a hub.

    Raises:
        Refusal: an argument was given, or the workspace can't be written.
    """
    if argv:
        raise Refusal("make workspace takes no argument.")
    folder = places.workspace()
    if next(servers(folder), None) is None or not (folder / NOTEBOOK).exists():
        print(prepare(folder, notebook.read(places.root() / NOTEBOOK)))
    else:
        print("JupyterLab runs on it, so your copy is left as it is.")
    print(f"Next: open {_shown(folder / NOTEBOOK)} with the kernel of .venv/bin/python")
    return 0


def edit(argv: list[str]) -> int:
    """Open the original notebook, the one source of everything.

    Args:
        argv: passed on to JupyterLab.

    Raises:
        Refusal: JupyterLab does not know an option, or there is no original.
    """
    _known("edit", argv)
    root = places.root()
    if not (root / NOTEBOOK).exists():
        raise Refusal(f"There is no {NOTEBOOK} in {root}.")
    print("This is the original. After a change: make checkpoints", flush=True)
    return _serve(root, argv)


def prepare(folder: Path, course: Notebook) -> str:
    """See to it that the workspace holds an up-to-date copy of the course.

    Args:
        folder: the workspace; made where there is none.
        course: the course's notebook, its texts joined.

    Returns:
        what was done, in a line or two.

    Raises:
        Refusal: the workspace can't be written; nothing was replaced.
    """
    copy, shown = folder / NOTEBOOK, _shown(folder / NOTEBOOK)
    try:
        (folder / ".tutor").mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            _write(copy, copy_for_learner(course), trust=True)
            done = f"Made {shown}, your own copy; it is yours to change."
        else:
            done = _update(folder, course)
        _write(folder / GIVEN, course)
    except OSError as error:
        raise Refusal(
            f"The workspace {folder} can't be written: {error.strerror}.\n"
            "Make room or make it writable, then run the same command again."
        ) from None
    return done


def _update(folder: Path, course: Notebook) -> str:
    copy, shown = folder / NOTEBOOK, _shown(folder / NOTEBOOK)
    try:
        mine = notebook.read(copy)
    except Refusal:
        saved = _save(copy)
        _write(copy, copy_for_learner(course), trust=True)
        return (
            f"{shown} was no readable notebook. It is saved as {_shown(saved)},\n"
            "and a new copy of the course stands in its place."
        )
    try:
        base = notebook.read(folder / GIVEN)
    except Refusal:
        base = {"cells": []}
    merged: Merged = merge(base, mine, course)
    if not merged.changed:
        return f"{shown} is up to date."
    saved = _save(copy)
    _write(copy, merged.notebook, trust=_trusted(mine))
    return (
        f"The course was updated; {shown}: {merged}.\nAs it was before: {_shown(saved)}"
    )


def _save(copy: Path) -> Path:
    """Put the learner's notebook aside, under the time of day."""
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    number, target = 1, copy.parent / ".tutor" / "saved" / stamp
    while target.exists():
        number += 1
        target = target.with_name(f"{stamp}-{number}")
    target.mkdir(parents=True)
    saved = target / copy.name
    saved.write_bytes(copy.read_bytes())
    return saved


def _write(path: Path, content: Notebook, trust: bool = False) -> None:
    """Write a notebook in one go: a reader sees the old file or the new one."""
    handle, beside = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.write("\n")
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    if trust:
        _notary().sign(_node(content))


def _trusted(content: Notebook) -> bool:
    """Whether JupyterLab would show the pictures in the stored outputs."""
    return bool(_notary().check_signature(_node(content)))


def _notary() -> Any:
    from nbformat.sign import NotebookNotary

    return NotebookNotary()


def _node(content: Notebook) -> Any:
    from nbformat import from_dict

    return from_dict(content)


def _shown(path: Path) -> str:
    """A path as a person in the checkout would write it."""
    root = places.root()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def servers(folder: Path) -> Iterator[dict[str, Any]]:
    """The Jupyter servers of this user that run on the folder, as they wrote it."""
    from jupyter_core.paths import jupyter_runtime_dir

    for path in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            info = json.loads(path.read_text(encoding="utf-8"))
            if Path(info["root_dir"]).resolve() == folder.resolve():
                os.kill(info["pid"], 0)
                yield info


def options(folder: Path) -> list[str]:
    """JupyterLab's options: this folder, this machine only, no calls elsewhere."""
    import zmq

    return [
        f"--ServerApp.root_dir={folder}",
        "--ip=127.0.0.1",
        "--port=0",  # any that is free
        f"--IdentityProvider.token={token_hex(24)}",  # in this process, not in `ps`
        "--log-level=ERROR",
        "--LabApp.log_level=ERROR",
        f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        # Else each kernel warns on the terminal that its channels can be overheard.
        *(["--KernelManager.transport_encryption=auto"] if zmq.has("curve") else []),
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]


def _known(verb: str, argv: list[str]) -> None:
    """Refuse an option that is none of JupyterLab's, before anything is done."""
    if argv:
        from jupyter_server.serverapp import aliases, flags  # Lab adds flags to these
        from jupyterlab.labapp import LabApp

        refuse_unknown(verb, argv, flags, {*aliases, *LabApp.aliases})


def _serve(folder: Path, argv: list[str]) -> int:
    """Run JupyterLab in this process until Ctrl-C or SIGTERM."""
    # Kernels inherit this environment; without bytecode each starts twice as slowly.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.chdir(folder)
    from jupyterlab.labapp import LabApp

    given = {argument.partition("=")[0] for argument in argv}
    ours = [o for o in options(folder) if o.partition("=")[0] not in given]
    server = LabApp.initialize_server(argv=[*ours, *argv])
    server.web_app.settings["page_config_hook"] = _without_news
    # Ctrl-C, a closed terminal and a plain `kill` are one end: the kernels go first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: server.stop(from_signal=True))
    # The port was bound by an earlier callback of the same loop.
    server.io_loop.add_callback(_announce, server)
    server.start()
    print("JupyterLab has ended; your files are kept. Go on with: make lab")
    return 0


def _without_news(handler: object, page: dict[str, Any]) -> dict[str, Any]:
    """Leave out the part of Lab that asks whether it may fetch news."""
    news = "@jupyterlab/apputils-extension:announcements"
    page["disabledExtensions"] = [*page.get("disabledExtensions", []), news]
    return page


def _announce(server: Any) -> None:
    print(
        f"The tutorial is at {server.connection_url.rstrip('/')}/lab/tree/{NOTEBOOK}"
        f"?token={server.identity_provider.token}\nCtrl-C ends it.",
        flush=True,
    )


if __name__ == "__main__":
    verb, *rest = sys.argv[1:] or ["lab"]
    try:
        sys.exit((edit if verb == "edit" else lab)(rest))
    except Refusal as refusal:
        sys.exit(str(refusal))
