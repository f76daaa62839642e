"""What a failure says to a person: the four lines, and nothing of ours."""

from __future__ import annotations

import errno
import tempfile
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "advice"]


class Refusal(Exception):
    """Something a person should read; shown as text, never as a traceback.

    Raised by every verb of ours that can't go on.  The message is complete: a
    few lines that name the file or the cell, and the command that helps.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return str(self).splitlines()


# A disk that is full, or not ours to write to.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES}


def unwritable(error: OSError) -> str | None:
    """One line for a disk that takes nothing; None for any other error."""
    if error.errno in _DISK:
        where = f"{error.filename} can't be written" if error.filename else "The disk"
        return f"{where}: {error.strerror}. Make room or make it writable, and go on."
    try:
        tempfile.gettempdir()
    except OSError:
        return (
            "No folder for temporary files can be written. Make room in /tmp, "
            "or name another one: TMPDIR=/some/folder"
        )
    return None


@dataclass(frozen=True)
class Problem:
    """One thing that does not behave as the step says.

    Args:
        tried: what was done, in the words of the reader ("a knock on /ws/whole1/").
        expected: what should have come.
        got: what came instead, the library's own words where there are some.
        cause: the likely cause; empty where none is known, and then none is claimed.
        cure: what to do.
        file: the file to look at, relative to the project.
        line: the line in it, counted from 1.
        reread: where the tutorial explains it, such as "step 5".
        slug: the known mistake that fits, the stem of its file in mistakes/.
        title: the mistake in a few words.
        step: the step it belongs to.
        severity: "error" where something does not work or is unsafe.
    """

    tried: str
    expected: str
    got: str
    cause: str = ""
    cure: str = ""
    file: str | None = None
    line: int | None = None
    reread: str = ""
    slug: str | None = None
    title: str = ""
    step: int | None = None
    severity: Severity = "error"

    @property
    def place(self) -> str:
        """``file:line`` as editors and terminals understand it, or nothing."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        cause = self.cause or "not known; the lines above are all that was seen"
        if self.place:
            cause = f"{self.place}: {cause}"
        if self.cure:
            cause += f" {self.cure}"
        if self.reread:
            cause += f" (reread {self.reread})"
        return "\n".join(
            f"{label:<14}{text}"
            for label, text in (
                ("tried", self.tried),
                ("expected", self.expected),
                ("got", self.got),
                ("likely cause", cause),
            )
        )
