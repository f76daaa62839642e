"""A JupyterLab of ours as a child, in folders of its own, for the tests."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment in which Jupyter touches nothing of the person's own."""
    places = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
    )
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "TUTOR_"))
    }
    return clean | {name: str(folder / name.lower()) for name in places} | more


@dataclass
class Lab:
    """A running server: where it is, what it has printed so far."""

    process: subprocess.Popen[str]
    said: list[str]
    url: str = ""

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int = signal.SIGINT) -> tuple[int, list[psutil.Process]]:
        """End it by a signal: its status, and the processes it left behind."""
        children = self.children()
        self.process.send_signal(number)
        status = self.process.wait(20)
        _, left = psutil.wait_procs(children, timeout=5)
        return status, left


@contextmanager
def lab(env: dict[str, str], *argv: str, verb: str = "lab") -> Iterator[Lab]:
    """Start ``python -m tutor lab --no-browser`` and wait for its address."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tutor", verb, "--no-browser", *argv],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    running = Lab(process, [])

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            running.said.append(line.rstrip())
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        while not running.url:
            line = lines.get(timeout=60)
            if line is None:
                raise AssertionError(
                    "it ended while starting:\n" + "\n".join(running.said)
                )
            if line.startswith("The tutorial is at "):
                running.url = line.split()[-1]
        yield running
    finally:
        if process.poll() is None:
            running.end()


def small_course(folder: Path, *sources: str) -> dict[str, Any]:
    """A course of a few plain cells: a folder that TUTOR_ROOT may name."""
    import json

    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source,
            "execution_count": number,
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "stored\n"}
            ],
        }
        for number, source in enumerate(sources, start=1)
    ]
    course = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    course["metadata"] = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        }
    }
    folder.mkdir(exist_ok=True)
    (folder / "tutorial.ipynb").write_text(json.dumps(course, indent=1))
    return course
