"""Programs that no Python package brings: fetched by the system's own means.

As root only, never sudo; whoever is not root is told what to type.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

COMMANDS = (
    ("apt-get", "install", "-y", "-q", "--no-install-recommends"),
    ("dnf", "install", "-y", "-q"),
    ("apk", "add", "-q"),
)


def install(name: str) -> bool:
    """Install a package of the system; whether that worked.

    Args:
        name: what it is called by each of the package managers.
    """
    if os.geteuid() != 0:
        return False
    for command in COMMANDS:
        if not shutil.which(command[0]):
            continue
        if command[0] == "apt-get":
            quietly(["apt-get", "update", "-q"])
        if quietly([*command, name]):
            return True
    return False


def quietly(command: Sequence[str]) -> bool:
    """Run a command that may fail for want of a network; 300 seconds at most."""
    env = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000",
    }
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
