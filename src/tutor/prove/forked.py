"""A kernel that is forked from a warm process, instead of started anew.

A kernel takes half a second of imports before its first cell, the same for each
notebook.  Where children start warm (``tutor.warm``), so does it; else as always.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import IO, Any

from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from tutor import children, nurseries, places, warm

NAME = "tutor-forked"
MAIN = Path(__file__).with_name("kernel_main.py")


def manager(connection_file: Path) -> KernelManager:
    """A manager of one kernel of this very Python, which is forked if possible.

    Args:
        connection_file: to be written; names the sockets between it and us.
    """
    known = KernelProvisionerFactory.instance().provisioners
    here = f"{__name__}:{Forked.__name__}"
    known.setdefault(NAME, EntryPoint(NAME, here, KernelProvisionerFactory.GROUP_NAME))
    # Sockets with a name of their own where there are some: between choosing a
    # free port and using it another kernel may take it.
    sockets = connection_file.with_name(f"{connection_file.stem}-ipc-5")
    return KernelManager(
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        kernel_spec_manager=Specs(),
        transport="ipc" if places.names_a_socket(sockets) else "tcp",
        connection_file=str(connection_file),
    )


class Specs(NbvalKernelspecManager):  # type: ignore[misc]  # nbval has no types
    """nbval's kernel of this very Python, to be launched by us."""

    def get_kernel_spec(self, kernel_name: str) -> Any:
        spec = super().get_kernel_spec(kernel_name)
        if kernel_name == CURRENT_ENV_KERNEL_NAME:
            spec.argv = [sys.executable, str(MAIN), "-f", "{connection_file}"]
            spec.metadata["kernel_provisioner"] = {"provisioner_name": NAME}
        return spec


class Forked(LocalProvisioner):
    """Launches a kernel by a fork, where that is possible.

    Source: jupyter_client, "Customizing the kernel's runtime environment".
    """

    async def launch_kernel(self, cmd: list[str], **keys: Any) -> Any:
        """Launch the kernel whose command ends with ``-f CONNECTION_FILE``."""
        try:
            process: Any = _Process(_fork(cmd, **keys))
        except OSError:
            return await super().launch_kernel(cmd, **keys)
        self.process = process
        self.pid = self.pgid = process.pid
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """End it at once and wait for that; the manager only looks every 0.1 s."""
        await super().kill(restart)
        if isinstance(self.process, _Process):
            await asyncio.to_thread(self.process.wait)


def _fork(
    cmd: list[str], cwd: str, env: dict[str, str], stdout: IO[bytes], **_: Any
) -> warm.WarmProcess:
    """Fork a kernel, and the nursery from which its cells fork their children.

    Raises:
        OSError: it has to be started anew.
    """
    kernels, projects = nurseries.prepare()
    with projects.lend() as lent:
        fd = fcntl.fcntl(lent, fcntl.F_DUPFD_CLOEXEC, children.FIRST_FD)
    try:
        env = {**env, warm.HANDED_DOWN: str(fd)}
        return kernels.start(cmd, Path(cwd), (fd,), env, stdout.fileno())
    finally:
        os.close(fd)


class _Process:
    """What jupyter_client and we need of ``subprocess.Popen``."""

    stdout = stderr = None

    def __init__(self, process: warm.WarmProcess) -> None:
        self._process = process
        self.pid = process.pid
        self.stdin = process.stdin

    def poll(self) -> int | None:
        """The exit status, negative after a signal; None while it runs."""
        code = self._process.poll()
        return 128 - code if code is not None and code > 128 else code

    def wait(self) -> int:
        """Wait for the end; the exit status, negative after a signal."""
        self._process.wait()
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)
