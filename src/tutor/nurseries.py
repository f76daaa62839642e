"""The processes that kernels and their children are forked from: started early.

They import their libraries on another core while pytest imports nbval, so nothing
of pytest's or nbval's is imported here.
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
    if not warm.possible():
        raise OSError("everything starts cold")
    # A proof waits for its kernel first.
    if _kernels is None or not _kernels.usable:
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        _kernels = warm.Nursery(env, warm.KERNEL, ())
    projects = children.warmed()
    assert projects is not None
    return _kernels, projects
