"""Where a server really listens that is started as a file of the project says.

Elsewhere our own port takes the place of its address; here the address is the point.
"""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tutor import servers
from tutor.children import Child
from tutor.doctor import starting
from tutor.doctor.commands import Command

SECONDS = 20
PORTS = ("-p", "--port")
SAYS = re.compile(r"Listening on|Listen failure|running on")


def play(scene: Mapping[str, Any], project: Path) -> tuple[str, str]:
    """Start a server as the one does whom its file is for, and look where it is.

    Args:
        scene: ``start``, the file with the command; ``platform`` where that gives
            each process a port of its own choice, and asks there.
        project: the folder of ``manage.py``.

    Returns:
        What was seen, in the words of the mistakes' files, and what was printed.
    """
    one = starting.read(scene, project)
    text = (project / scene["start"]).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")  # in place of /run, which is root's
        run.mkdir()
        for name in re.findall(r"(?m)^RuntimeDirectory\s*=\s*(\S+)", text):
            (run / name).mkdir(parents=True)
        lost = _lost(one, project) if scene["start"].endswith(".service") else ""
        if lost:
            return "server does not start", lost
        return _started(one, project, run, "platform" in scene)


def _lost(one: Command, project: Path) -> str:
    """What the system says to a name that is in none of its own folders."""
    program = one.before[0]
    if "/" in program:
        return ""  # ours takes its place
    try:
        path = {"PATH": os.defpath}
        subprocess.run([program, "-h"], env=path, cwd=project, timeout=5)
    except FileNotFoundError as error:
        return str(error)
    return ""


def _started(one: Command, project: Path, run: Path, chosen: bool) -> tuple[str, str]:
    held, other = servers.hold(0), servers.hold(0)
    port = held.getsockname()[1]
    words = []
    for name, value in one.read():
        if name not in PORTS:
            words += [w.replace("/run/", f"{run}/") for w in (name, value) if w]
    told = one.value(*PORTS) or ""
    at = other.getsockname()[1] if chosen and "PORT" not in told else port
    if not one.values("-u", "--unix-socket", "--uds"):
        words += ["--port", str(at)]
    held.close()
    other.close()
    argv = [one.program, *words]
    child = Child(argv, project, (), {k: v for k, (v, _) in one.env.items()})
    try:
        end = time.monotonic() + SECONDS
        while not (SAYS.search(child.text) or child.ended or _is_there(run)):
            if time.monotonic() > end:
                break
            child.wait_news(0.02)  # of its file, it says nothing
        there = _addresses(child)
        if not there and not _is_there(run):
            return "server does not start", child.text
        if chosen and port not in {number for _, number in there}:
            return "nobody is where the platform asks", child.text
        alone = there and all(ipaddress.ip_address(ip).is_loopback for ip, _ in there)
        return "nobody outside reaches it" if alone else "it listens", child.text
    finally:
        child.stop(0)


def _is_there(run: Path) -> bool:
    """Whether the file of a socket has been made."""
    return any(path.is_socket() for path in run.rglob("*"))


def _addresses(child: Child) -> set[tuple[str, int]]:
    """The addresses and the ports on which a child and what it has started listen."""
    found = set[tuple[str, int]]()
    with suppress(psutil.NoSuchProcess):  # it may end meanwhile
        process = psutil.Process(child.pid)
        for each in (process, *process.children(recursive=True)):
            found |= {
                (one.laddr.ip, one.laddr.port)
                for one in each.net_connections("tcp")
                if one.status == psutil.CONN_LISTEN
            }
    return found
