"""``make offline-kit``: the course and all it needs, for a room without a network.

The kit is a clone of this checkout with a wheel of every package in
``.tools/wheels``; where ``.ci/bootstrap`` finds those, it fetches nothing.  It is
for the system and the Python it was made on.  What is made is proved: installed
from scratch and run with the network off.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tutor import places
from tutor.arguments import Arguments
from tutor.report import Refusal

FOLDER = Path("build/offline-kit")
WHEELS = Path(".tools/wheels")
LOCK = "requirements.lock"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PROOF = ("make", "step-1")

# Run in a network namespace of its own, with Python's -c: its loopback comes up,
# since the course's servers listen there, and nothing else.  SIOCGIFFLAGS and
# SIOCSIFFLAGS of netdevice(7); IFF_UP is 1.
_ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lo:
    asked = fcntl.ioctl(lo, 0x8913, struct.pack("16sh14x", b"lo", 0))
    flags = struct.unpack("16sh14x", asked)[1] | 1
    fcntl.ioctl(lo, 0x8914, struct.pack("16sh14x", b"lo", flags))
os.execvp(sys.argv[1], sys.argv[1:])
"""
NOWHERE = "http://127.0.0.1:9"  # the port "discard", on which nobody listens


def main(argv: list[str]) -> int:
    """The verb: make the kit, prove it, say how it is used."""
    parser = Arguments(
        prog="make offline-kit", description="The course for a room without a network."
    )
    parser.add_argument("folder", nargs="?", type=Path, help=f"else {FOLDER}")
    parser.add_argument("--unproved", action="store_true", help="do not try it")
    options = parser.parse_args(argv)
    root = places.root()
    folder = (options.folder or root / FOLDER).absolute()
    make(root, folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"Made {folder}: {size / 1e6:,.0f} MB, for {_system()}.", flush=True)
    if not options.unproved:
        print(prove(folder, PROOF), flush=True)
    print("Next: copy that folder to each computer, and in it: make lab")
    return 0


def make(root: Path, folder: Path) -> None:
    """Make the kit anew; an older one in its place is replaced.

    Args:
        root: the checkout; what is committed there goes into the kit.
        folder: the kit.

    Raises:
        Refusal: the folder is something else, or a package has no wheel here.
    """
    if folder.exists() and not (folder / WHEELS / "for").exists():
        raise Refusal(f"{folder} is there and is no kit. Name another folder.")
    changed = _said("git", "-C", str(root), "status", "--porcelain", "-uno")
    if changed:
        print(f"Not in the kit: {len(changed.splitlines())} files not committed.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kit-") as scratch:
        new = Path(scratch) / "kit"
        _said("git", "clone", "-q", "--no-hardlinks", str(root), str(new))
        _said("git", "-C", str(new), "remote", "remove", "origin")
        _fetch(new / LOCK, new / WHEELS, _pip(root))
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)


def _pip(root: Path) -> list[str]:
    """A pip of our own, made once: uv does not download wheels, and .venv has none."""
    folder = root / ".tools/pip"
    pip = [str(folder / "bin/python"), "-m", "pip"]
    try:
        _said(*pip, "--version")
    except Refusal:
        shutil.rmtree(folder, ignore_errors=True)
        _said(
            getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(folder)
        )
    return pip


def _fetch(lock: Path, wheels: Path, pip: Sequence[str]) -> None:
    """Fetch a wheel of every package in the lock."""
    print("Fetching the packages as wheels.", flush=True)
    wheels.mkdir(parents=True)
    _said(
        *(*pip, "download", "-q"),
        *("--disable-pip-version-check", "--require-hashes", "--no-deps"),
        *("--only-binary", ":all:", "-r", str(lock), "-d", str(wheels)),
    )
    (wheels / "python").write_text(f"{PYTHON}\n")
    (wheels / "for").write_text(f"{_system()}\n")


def prove(folder: Path, command: Sequence[str]) -> str:
    """Install a kit's copy and run a command in it, with the network off.

    Args:
        folder: the kit.
        command: what is run there; it builds the environment first.

    Returns:
        what was proved, and how the network was kept away.

    Raises:
        Refusal: it did not work; the end of what was printed is in it.
    """
    with tempfile.TemporaryDirectory(prefix="tutor-kit-") as scratch:
        copy = Path(scratch) / "course"
        shutil.copytree(folder, copy, symlinks=True)
        shutil.rmtree(copy / ".venv", ignore_errors=True)
        prefix, how = alone()
        began = time.monotonic()
        done = subprocess.run(
            [*prefix, *command],
            cwd=copy,
            env=environment(Path(scratch)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if done.returncode:
        raise Refusal(
            f"The kit does not work: {' '.join(command)} with {how} ended with "
            f"{done.returncode}.\n{done.stdout[-1500:]}"
        )
    return (
        f"Proved with {how}: installed, and {' '.join(command)} holds "
        f"({time.monotonic() - began:.0f} s)."
    )


def alone() -> tuple[list[str], str]:
    """A prefix that runs a command without a network, and how to call that."""
    inside = [sys.executable, "-I", "-c", _ALONE]
    for flags in (["--net"], ["--net", "--map-root-user"]):
        prefix = ["unshare", *flags, *inside]
        try:
            done = subprocess.run([*prefix, "true"], capture_output=True, check=False)
        except OSError:
            break
        if done.returncode == 0:
            return prefix, "the network off (unshare --net)"
    return [], "a proxy and an index that lead nowhere (no unshare here)"


def environment(home: Path) -> dict[str, str]:
    """Nothing that this machine has fetched before, and no way to fetch more."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "TUTOR_", "PYTHON", "PYTEST_", "MAKE"))
        and name not in ("MFLAGS", "VIRTUAL_ENV", "XDG_CACHE_HOME")
    }
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return (
        kept
        | {name: NOWHERE for name in proxies}
        | {name.lower(): NOWHERE for name in proxies}
        | {
            "HOME": str(home),
            "UV_CACHE_DIR": str(home / "uv"),
            "PIP_NO_CACHE_DIR": "1",
            "PIP_INDEX_URL": NOWHERE,
            "UV_DEFAULT_INDEX": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "TUTOR_BROWSER": "none",
        }
    )


def _system() -> str:
    return f"{platform.system()} {platform.machine()} and Python {PYTHON}"


def _said(*argv: str) -> str:
    """Run a command that should work; what it printed.

    Raises:
        Refusal: it did not.
    """
    try:
        done = subprocess.run(argv, capture_output=True, text=True)
    except OSError as error:
        raise Refusal(f"{argv[0]} can't be run: {error.strerror}.") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-800:]
        raise Refusal(f"{' '.join(argv[:4])} … ended with {done.returncode}:\n{words}")
    return done.stdout
