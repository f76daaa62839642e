"""Tracebacks as a reader wants them: the project's frames and the last line."""

from __future__ import annotations

import re
from pathlib import Path

FOLD = "  [...]"
_FRAME = re.compile(
    r'^(?P<indent>\s*)File "(?P<file>.+?)", line (?P<line>\d+)(?P<rest>.*)$'
)
_MARKS = re.compile(r"^\s*[~^]+[\s~^]*$")
_GUESS = re.compile(r"^(\w+Error: .*?)\.? Did you mean: '[^']*'\?$")


def fold(text: str, project: Path) -> str:
    """Fold the frames of libraries in every traceback of ``text``.

    Frames of the project stay, with paths relative to it and one line of source;
    each run of other frames becomes ``[...]``.  What Python versions draw under
    the source differs, and so does what they guess was meant: both go.  Everything
    else stays.  ``manage.py`` counts as a library where it only passes on.

    Args:
        text: any output.
        project: the project's folder.
    """
    lines = text.splitlines()
    out: list[str] = []
    at = 0
    while at < len(lines):
        frame = _FRAME.match(lines[at])
        if frame is None:
            out.append(_GUESS.sub(r"\1", lines[at]))
            at += 1
            continue
        indent = len(frame["indent"])
        body = []
        at += 1
        while at < len(lines) and _deeper(lines[at], indent):
            body.append(lines[at])
            at += 1
        inside = _inside(frame["file"], project)
        passing = inside == "manage.py" and at < len(lines) and _FRAME.match(lines[at])
        if inside is None or passing:
            if not out or out[-1].strip() != FOLD.strip():
                out.append(FOLD)
            continue
        out.append(
            f'{frame["indent"]}File "{inside}", line {frame["line"]}{frame["rest"]}'
        )
        out += [line for line in body if not _MARKS.match(line)][:1]
    folded = "\n".join(out)
    for name in (str(project), str(project.resolve())):
        folded = folded.replace(f"{name}/", "").replace(name, ".")
    return folded + ("\n" if text.endswith("\n") else "")


def _deeper(line: str, indent: int) -> bool:
    """Whether a line belongs to the frame above it."""
    return line.startswith(" " * (indent + 1)) and not _FRAME.match(line)


def _inside(file: str, project: Path) -> str | None:
    if file.startswith("<cell") or ((project / file).is_file() and file[0] != "/"):
        return file  # a script's own name is relative, until Python 3.12
    for base in (project, project.resolve()):
        try:
            return Path(file).relative_to(base).as_posix()
        except ValueError:
            continue
    return None
