"""The processes that kernels and their children are forked from: started early.

They import their libraries on another core while pytest imports nbval, so nothing
of nbval's is imported here.
"""

from __future__ import annotations

import os

from tutor import children, warm

_kernels: warm.Nursery | None = None


def prepare() -> tuple[warm.Nursery, warm.Nursery]:
    """Start what kernels and their children are forked from, at the first call.

    Raises:
        OSError: everything starts cold here.
    """
    global _kernels
    projects = children.warmed()
    if projects is None:
        raise OSError("everything starts cold")
    if _kernels is None or not _kernels.usable:
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        _kernels = warm.Nursery(env, warm.KERNEL, ())
    return _kernels, projects
