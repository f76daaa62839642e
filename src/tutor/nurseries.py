"""The processes that kernels and their children are forked from: started early.

They import their libraries on another core while pytest imports nbval, so nothing
of pytest's or nbval's is imported here.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from tutor import children, warm

_kernels: warm.Nursery | None = None
_one_at_a_time = threading.Lock()
_lender: Callable[[Mapping[str, str]], warm.Nursery | None] | None = None


def prepare() -> tuple[warm.Nursery, warm.Nursery]:
    """Start what kernels and their children are forked from, at the first call.

    Raises:
        OSError: everything starts cold here.
    """
    return _for_kernels(), _for_projects()  # a proof waits for its kernel first


def _for_kernels() -> warm.Nursery:
    global _kernels
    if not warm.possible():
        raise OSError("everything starts cold")
    with _one_at_a_time:
        if _kernels is None or not _kernels.usable:
            env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
            _kernels = _lender(env) if _lender else None
            _kernels = _kernels or warm.Nursery(env, warm.KERNEL, ())
        return _kernels


def _for_projects() -> warm.Nursery:
    nursery = children.warmed()
    if nursery is None:
        raise OSError("everything starts cold")
    return nursery


_KINDS = {"kernels": _for_kernels, "projects": _for_projects}


def share() -> str:
    """Lend them to processes of ours from now on; the address, for ``borrow``.

    Each is started when it is asked for.

    Raises:
        OSError: everything starts cold here.
    """
    if not warm.possible():
        raise OSError("everything starts cold")
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind("")  # the system finds a name, which is no file and ends with us
    door.listen()
    threading.Thread(target=_lend, args=(door,), daemon=True).start()
    address: bytes = door.getsockname()
    return address.hex()


def _lend(door: socket.socket) -> None:
    while True:
        asked, _ = door.accept()
        with asked, suppress(OSError, ValueError, KeyError):
            who = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            if struct.unpack("3i", who)[1] != os.getuid():
                continue  # anybody on this machine can ask
            asked.settimeout(warm.PATIENCE)
            nursery = _KINDS[asked.recv(64).decode()]()
            with nursery.lend(whole=True) as lent:
                socket.send_fds(asked, [b"lent"], [lent.fileno()])


def borrow(address: str) -> None:
    """Use what another process of ours lends, as long as it does."""
    global _lender
    _lender = partial(_borrowed, address, "kernels")
    children.lender = partial(_borrowed, address, "projects")


def _borrowed(address: str, kind: str, env: Mapping[str, str]) -> warm.Nursery | None:
    with (
        suppress(OSError, IndexError),
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link,
    ):
        link.settimeout(warm.PATIENCE)
        link.connect(bytes.fromhex(address))
        link.send(kind.encode())
        _, fds, *_ = socket.recv_fds(link, 64, 1)
        return warm.Nursery.lent(fds[0], env)
    return None
