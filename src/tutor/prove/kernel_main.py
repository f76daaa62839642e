"""The kernel of a proof, as a process; run as a script, by path.

What ``ipykernel_launcher`` does, but for the debugger (half of a kernel's start, and
nobody debugs a proof), and with what children print taken in before a cell ends.
"""

from __future__ import annotations

import os
import sys

if sys.path[0] == os.path.dirname(os.path.realpath(__file__)):  # not with a safe path
    del sys.path[0]
sys.modules["debugpy"] = None  # type: ignore[assignment]  # as if it were not there

import select  # noqa: E402
import signal  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402

from ipykernel import iostream, kernelapp  # noqa: E402

CAPACITY = 1 << 16  # bytes that a pipe holds; pipe(7)

OutStream: Any = iostream.OutStream  # half of it has no types


class Caught(OutStream):  # type: ignore[misc]
    """A stream that holds all that was written to its descriptor before a flush.

    Children write past Python, into a pipe that a thread of ipykernel's empties.  When
    a cell has ended, that thread may not have had its turn: what they said would come
    after the end, where nobody compares it.
    """

    def __init__(self, *args: Any, **keys: Any) -> None:
        self._taking = threading.Lock()
        super().__init__(*args, **keys)

    def _watch_pipe_fd(self) -> None:  # overrides ipykernel's, which reads and waits
        while self._should_watch:
            select.select([self._fid], [], [])
            if self._should_watch:
                self._take()

    def _take(self) -> None:
        """Take in what is in the pipe, and let it through to where it would go."""
        with self._taking:
            if select.select([self._fid], [], [], 0)[0]:
                said = os.read(self._fid, CAPACITY)
                self.write(said.decode(errors="replace"))
                os.write(self._original_stdstream_copy, said)

    def flush(self) -> None:
        if self._should_watch and self._is_master_process():
            self._take()
        super().flush()


if __name__ == "__main__":
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    kernelapp.launch_new_instance(
        [*sys.argv[1:], "--IPKernelApp.outstream_class=__main__.Caught"]
    )
