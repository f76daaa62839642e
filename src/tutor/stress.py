"""``make stress``: the suite again and again, as hard as a class makes it.

A round is one run on this checkout while other work keeps every core busy
(``busy``), then as many at once in copies of it, each with an environment of its own
(``crowd``).  Every run has its own order, drawn by lot (`tutor.shuffled`), its own
temporary folder, and must leave neither a process nor a file.

All of it ends with us, however we end: each process stands under a guard
(`tutor.children`), each folder under a keeper (`tutor.places`).
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tutor import places
from tutor.arguments import Arguments
from tutor.children import GUARD
from tutor.report import Refusal

SITUATIONS = ("busy", "crowd")
MARK = "STRESS_RUN"  # in the environment of all that a run starts
TELL = 60  # seconds from one line of progress to the next
GONE = 15  # seconds in which all of a run must be gone, on so busy a machine
SPIN = "while True: pass"


@dataclass
class Suite:
    """A run of the suite, going on or ended.

    Args:
        name: what it is called, and its log.
        folder: the checkout it runs in.
        number: what its order is drawn by.
        log: where its words go.
        left: what it left behind.
    """

    name: str
    folder: Path
    number: int
    log: Path
    left: list[str] = field(default_factory=list)
    status: int | None = None
    seconds: float = 0.0

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def progress(self) -> str:
        """How far it is: its per cent, and how many failed so far."""
        said = self.said
        percent = re.findall(r"\[ *(\d+%)\]", said)
        marks = "".join(re.findall(r"(?m)^([.sxXFE]+)(?: |$)", said))
        failed = marks.count("F") + marks.count("E")
        return f"{percent[-1] if percent else '0%'}, {failed} failed so far"

    @property
    def failed(self) -> list[str]:
        """The tests that did not pass."""
        found = re.findall(r"(?m)^(?:FAILED|ERROR) (.+?)(?: - .*)?$", self.said)
        return sorted(set(found))

    @property
    def sound(self) -> bool:
        return self.status == 0 and not self.left

    def __str__(self) -> str:
        last = re.findall(r"(?m)^.*\b(?:passed|failed|error)\b.* in .*$", self.said)
        count = re.sub(r" in [\d.]+s.*| *=+ *", "", last[-1]) if last else "no test ran"
        if self.status is None:
            count = f"given up: {self.progress}"
        line = f"{self.name:<10} --shuffle={self.number:<7} {count}"
        return f"{line}, {self.seconds:.0f} s"


@contextmanager
def guarded(
    argv: Sequence[str], cwd: Path, env: dict[str, str], log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, and with us."""
    with open(log or os.devnull, "wb") as out:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *argv],
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


@contextmanager
def temporary() -> Iterator[Path]:
    place = places.temporary()
    place.folder.chmod(0o711)  # PostgreSQL is no root, and its files are in it
    try:
        yield place.folder
    finally:
        place.remove()


@contextmanager
def spinning() -> Iterator[None]:
    """Keep every core busy."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            command = [sys.executable, "-S", "-c", SPIN]
            stack.enter_context(guarded(command, Path("/"), dict(os.environ)))
        yield


def together(suites: Sequence[Suite], words: Sequence[str], limit: float) -> None:
    """Run suites at once, to their ends or for so many seconds; tell how it goes."""
    began = told = time.monotonic()
    with ExitStack() as stack:
        running = {}
        for suite in suites:
            mark, scratch = uuid.uuid4().hex, stack.enter_context(temporary())
            env = os.environ | {MARK: mark, "TMPDIR": str(scratch)}
            argv = [str(suite.folder / ".venv/bin/python"), "-P", "-m", "pytest", "-q"]
            argv += ["-rfE", "-n", "logical", f"--shuffle={suite.number}", *words]
            process = stack.enter_context(guarded(argv, suite.folder, env, suite.log))
            running[suite.name] = (suite, process, mark, scratch)
        while running:
            late = time.monotonic() - began > limit
            for suite, process, mark, scratch in list(running.values()):
                suite.status = process.poll()
                if suite.status is None and not late:
                    continue
                del running[suite.name]
                if late:
                    assert process.stdin is not None
                    process.stdin.close()
                    process.wait()
                suite.seconds = time.monotonic() - began
                suite.left = processes_left(mark) + files_left(scratch)
                print(suite, flush=True)
            if time.monotonic() - told > TELL:
                told = time.monotonic()
                for suite, *_ in running.values():
                    print(f"  {suite.name}: {suite.progress}", flush=True)
            time.sleep(0.2 if running else 0)


def processes_left(mark: str) -> list[str]:
    """The commands of a run's processes that do not end by themselves; ended now."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found[process] = " ".join(process.cmdline())[:200]
        except psutil.Error:
            continue  # gone, a zombie, or another user's
    _, alive = psutil.wait_procs(list(found), timeout=GONE)
    for process in alive:
        process.kill()
    return [f"a process: {found[process]}" for process in alive]


def files_left(scratch: Path) -> list[str]:
    """What a run left in its temporary folder, but for what pytest keeps there."""
    names = (path.name for path in scratch.iterdir())
    return [f"a file: {name}" for name in sorted(names) if "pytest-of" not in name]


def copy(root: Path, target: Path) -> None:
    """A copy of the checkout as it is, with an environment of its own.

    Raises:
        Refusal: there is nothing to copy, or the environment can't be built.
    """
    command = ["git", "ls-files", "-coz", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True)
    if listed.returncode:
        raise Refusal("This is no git checkout to be copied: ARGS='--only busy' goes.")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name, follow_symlinks=False)
    # Some tests ask git which files are the course's.
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=target, check=True)
    built = subprocess.run(
        [".ci/bootstrap", "-q"], cwd=target, capture_output=True, text=True
    )
    if built.returncode:
        raise Refusal(f"A copy of the checkout got no environment:\n{built.stderr}")


def main(argv: list[str]) -> int:
    """The verb; whatever it does not know itself goes to pytest.

    Raises:
        Refusal: an argument makes no sense, or the checkout can't be copied.
    """
    parser = Arguments(prog="make stress", description=__doc__)
    parser.add_argument("--times", type=_rounds, default=1, help="rounds (%(default)s)")
    parser.add_argument("--only", choices=SITUATIONS, help="one half of each round")
    parser.add_argument("--copies", type=int, default=4, help="at once (%(default)s)")
    parser.add_argument("--seed", type=int, help="the number the last run told")
    parser.add_argument(
        "--limit", type=float, default=240, help="minutes for a run (%(default)s)"
    )
    asked, words = parser.parse_known_args(argv)
    seed = asked.seed or random.randint(1, 1_000_000)
    again = f"make stress TIMES={asked.times} ARGS='--seed {seed} …'"
    print(f"The same orders again: {again}", flush=True)
    root, drawn = places.root(), random.Random(seed)
    logs = root / "build/stress"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    situations = [asked.only] if asked.only else list(SITUATIONS)
    ended: list[Suite] = []
    with ExitStack() as stack:
        folders = []
        for number in range(asked.copies if "crowd" in situations else 0):
            print(f"copy {number + 1} of {asked.copies}", flush=True)
            folders.append(stack.enter_context(temporary()))
            copy(root, folders[-1])
        for number in range(1, asked.times + 1):
            for situation in situations:
                where = folders if situation == "crowd" else [root]
                names = [f"{situation}-{number}"]
                if situation == "crowd":
                    names = [f"{names[0]}-{n}" for n in range(1, len(where) + 1)]
                suites = [
                    Suite(name, folder, drawn.randint(1, 1_000_000), logs / name)
                    for name, folder in zip(names, where, strict=True)
                ]
                ended += suites
                with spinning() if situation == "busy" else ExitStack():
                    together(suites, words, asked.limit * 60)
    return summary(ended)


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise Refusal(f"TIMES={text} is no number of rounds; it is 1 or more.")
    return int(text)


def summary(suites: Sequence[Suite]) -> int:
    """Say which runs were not sound, and which tests failed in them; the status."""
    bad = [suite for suite in suites if not suite.sound]
    failed = defaultdict(list)
    for suite in bad:
        for name in suite.failed:
            failed[name].append(suite.name)
        for what in suite.left:
            print(f"{suite.name} left {what}")
    for name, where in sorted(failed.items()):
        print(f"{len(where)} of {len(suites)}  {name}  ({', '.join(where)})")
    if bad:
        print(f"{len(bad)} of {len(suites)} runs were not sound: build/stress/")
        return 1
    print(f"{len(suites)} runs, each in an order of its own: all passed, nothing left.")
    return 0
