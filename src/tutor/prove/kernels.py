"""The kernel of a proof: starts as JupyterLab's would, and its death is noticed."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
from nbval.kernel import RunningKernel

from tutor import places
from tutor.prove import forked

# How often a silent kernel is asked whether it lives, in seconds.
HEARTBEAT = 0.25

# How often a kernel that starts is asked whether it is there, in seconds.
ASK_AGAIN = 0.02

# After how many milliseconds a socket of the kernel's is tried again.
CONNECT_AGAIN = 5

# Seconds in which an idle kernel answers.
ANSWER = 30

# Of the words of a kernel that died, the last so many lines.
LAST_LINES = 10


class KernelDied(Exception):
    """The kernel's process ended before its cell did."""


class Kernel(RunningKernel):  # type: ignore[misc]  # nbval has no types
    """A fresh kernel of this very Python, in the notebook's folder.

    nbval's own waits for the cell's time limit when the kernel has died, throws the
    kernel's words away, and lets pytest's variables and the user's IPython profile in.

    Args:
        cwd: the folder in which the kernel starts.
        startup_timeout: seconds until it must answer.
    """

    def __init__(self, cwd: Path, startup_timeout: float) -> None:
        self._home = places.temporary()
        home = self._home.folder
        self._log = home / "log"
        self.km = forked.manager(home / "kernel.json")
        try:
            with self._log.open("wb") as log:
                self.km.start_kernel(
                    cwd=str(cwd), env=environment(home), stdout=log, stderr=log
                )
            self.kc = self.km.client()
            # A socket that is not there yet is tried again after 0.1 s by default.
            self.kc.context.setsockopt(zmq.RECONNECT_IVL, CONNECT_AGAIN)
            self.kc.start_channels()
            self._hear(startup_timeout)
        except RuntimeError as error:
            end = self.end()
            self.stop()
            raise KernelDied(f"the kernel did not start: {error}; {end}") from None

    def _hear(self, limit: float) -> None:
        """Wait until it answers, and what it publishes is heard.

        A subscription takes a moment to reach the kernel, so it is asked again and
        again; jupyter_client's own way waits for a silence of 0.2 s instead.

        Raises:
            RuntimeError: it ended, or gave no answer in ``limit`` seconds.
        """
        end = time.monotonic() + limit
        while time.monotonic() < end:
            self.kc.kernel_info()
            with suppress(Empty):
                self.kc.get_iopub_msg(timeout=ASK_AGAIN)
                return
            if not self.is_alive():
                raise RuntimeError("it ended")
        raise RuntimeError(f"no answer in {limit:g} s")

    def get_message(self, stream: str, timeout: float | None = None) -> Any:
        """The next message; a dead kernel sends none, and that is said.

        nbval's own writes each one out nicely, for a log that nobody reads.

        Raises:
            Empty: nothing came in `timeout` seconds.
            KernelDied: nothing will come any more.
        """
        heard = {"iopub": self.kc.get_iopub_msg, "shell": self.kc.get_shell_msg}[stream]
        left = float("inf") if timeout is None else timeout
        alive = True
        while True:
            began = time.monotonic()
            try:
                return heard(timeout=min(HEARTBEAT, left))
            except Empty:
                if not hasattr(self, "km"):
                    raise KernelDied("the kernel was stopped") from None
                if not alive:
                    raise KernelDied(
                        f"the kernel died while this cell was running: {self.end()}"
                    ) from None
                if left <= HEARTBEAT:
                    raise
                # Of a machine that stands still no more than a heartbeat is counted.
                left -= min(time.monotonic() - began, HEARTBEAT)
                alive = self.is_alive()  # what it said before it died comes first

    def ask(self, expression: str) -> str:
        """The repr of an expression's value, asked beside the cells."""
        asked = self.kc.execute("", silent=True, user_expressions={"it": expression})
        while True:
            reply = self.get_message("shell", timeout=ANSWER)
            if reply["parent_header"].get("msg_id") == asked:
                answer = reply["content"]["user_expressions"]["it"]
                return str(answer["data"]["text/plain"])

    def end(self) -> str:
        """How its process ended, and what it wrote outside of any cell."""
        provisioner: Any = self.km.provisioner
        code = provisioner.process.poll()
        if code is None:
            how = "it still runs"
        elif code < 0:
            how = f"signal {signal.Signals(-code).name}"
        else:
            how = f"exit status {code}"
        said = self._log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return how + "".join(f"\n    {line}" for line in said)

    def stop(self) -> None:
        """End the kernel, dead or alive, and remove what was made for it."""
        if hasattr(self, "km"):
            if hasattr(self, "kc"):
                self.kc.stop_channels()
            self.km.shutdown_kernel(now=True)
            del self.km
        self._home.remove()


def environment(home: Path) -> dict[str, str]:
    """What the kernel gets from us: our environment, but for what would show.

    With PYTEST_CURRENT_TEST in it, ipykernel lets what children print pass by the
    cell, which it does not in JupyterLab.  A profile of the user's may print anything.
    On a JupyterHub a page in a frame has another address.
    """
    unwanted = ("PYTEST_", "JUPYTERHUB_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
    return inherited | {"IPYTHONDIR": str(home / "ipython")}
