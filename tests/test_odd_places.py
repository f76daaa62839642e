"""Odd machines: each verb of ours works there, or says in a line why it can't.

What needs a disk or a network of its own has them in a namespace of Linux, which root
may make, and on most machines everybody.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tutor.prove import turns

pytestmark = pytest.mark.takes(90)

ROOT = Path(__file__).parents[1]
HERE = Path(sys.executable)
PROXY = "http://127.0.0.1:9"  # where nobody answers
# Each with the status it may have where nothing can be written.
VERBS = {
    "goto 3": {1},
    "workspace": {1},
    "lab --no-browser": {1},
    "check": {1},
    "hint 3": {1},
    "handout": {1},
    "doctor steps/04-asgi": {0, 1},
    "step 1": {0, 1, 4},
}
# Lab starts, says where it is, and answers there; all below one process.
VISIT = """
import re, signal, subprocess, sys, urllib.request
lab = subprocess.Popen(
    [sys.executable, "-P", "-m", "tutor", "lab", "--no-browser"],
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    text=True)
said = ""
for line in lab.stdout:
    said += line
    if found := re.search(r"http://(?:127.0.0.1|localhost):[0-9]+/[^ ]*", line):
        break
else:
    sys.exit(said)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print("Lab answers", opener.open(found[0], timeout=30).status)
lab.send_signal(signal.SIGINT)
lab.communicate(timeout=30)
"""
# A network with nothing but this machine in it, and that without IPv6.
LONELY = """
import fcntl, pathlib, socket, struct
for name in ("all", "default", "lo"):
    place = pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
    if place.exists():
        place.write_text("1")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 1 | 64))  # SIOCSIFFLAGS: up
try:
    socket.create_server(("::1", 0), family=socket.AF_INET6)
except OSError:
    pass
else:
    raise SystemExit("there is IPv6 here")
"""


@dataclass(frozen=True)
class Said:
    """What a command said, and its status."""

    code: int
    text: str

    def is_short(self, words: str, most: int = 4) -> None:
        """A few lines, one of which says `words`; no traceback."""
        assert "Traceback" not in self.text, self.text
        assert re.search(words, self.text), self.text
        assert len(self.text.splitlines()) <= most, self.text


def run(argv: list[str], cwd: Path = ROOT, **extra: str) -> Said:
    """Run a command in a clean environment, with these variables more."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTEST_", "TUTOR_", "MAKE", "MFLAGS"))
    }
    # A suite that it runs has our turn, and would wait long for another.
    kept = ("TUTOR_BROWSER", turns.HELD)
    clean |= {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=clean | extra,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )
    return Said(done.returncode, done.stdout)


def unshare(*what: str) -> list[str]:
    """The words before a command that is to have namespaces of its own."""
    for words in (["unshare", *what], ["unshare", "--map-root-user", *what]):
        if shutil.which("unshare") and run([*words, "true"]).code == 0:
            return words
    pytest.skip(f"no unshare {' '.join(what)} here, so this can't be tried")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder with a short path, since sockets have names in it."""
    with tempfile.TemporaryDirectory(prefix="odd-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def own_environment() -> None:
    if not (ROOT / ".venv/bin/python").exists():
        pytest.skip("this is not a checkout with an environment of its own")


def all_verbs(setup: str, **extra: str) -> dict[str, Said]:
    """Each verb, on a checkout that is read-only, where a script has set up more."""
    lines = [
        "set -e",
        # Elsewhere, since the checkout may stand below a folder that is hidden now.
        f"mount --bind '{ROOT}' /mnt; mount -o remount,ro,bind /mnt; cd /mnt",
        setup,
        *(
            f"echo '=== {verb}'; status=0; .venv/bin/python -P -m tutor {verb} 2>&1 || "
            'status=$?; echo "=== $status"'
            for verb in VERBS
        ),
    ]
    words = unshare("-m")
    done = run([*words, "/bin/sh", "-c", "\n".join(lines)], **extra)
    assert done.code == 0, done.text
    found = re.findall(r"(?ms)^=== (\D.*?)\n(.*?)^=== (\d+)$", done.text)
    return {verb: Said(int(code), text) for verb, text, code in found}


@pytest.mark.usefixtures("own_environment")
def test_a_read_only_checkout() -> None:
    found = all_verbs("")
    assert set(found) == set(VERBS)
    for verb, said in found.items():
        assert said.code in VERBS[verb], (verb, said)
        if verb not in ("step 1", "doctor steps/04-asgi", "check"):
            said.is_short("can't be written: Read-only file system|Make it writable")
    assert found["step 1"].code == 0, found["step 1"].text
    assert "Step 1 holds" in found["step 1"].text
    assert "warning" not in found["step 1"].text
    assert found["doctor steps/04-asgi"].code == 0
    if not (ROOT / "workspace").exists():
        found["check"].is_short("There is no manage.py")


@pytest.mark.usefixtures("own_environment")
def test_a_full_disk() -> None:
    """Not one byte is free, neither for the project nor for temporary files."""
    full = """
    mount -t tmpfs -o size=8k none /tmp
    mkdir /tmp/w
    cat /dev/zero >/tmp/fill 2>/dev/null || :
    for place in /var/tmp /usr/tmp /dev/shm; do
        if [ -d $place ]; then mount --bind /tmp $place; fi
    done
    """
    found = all_verbs(full, TUTOR_WORKSPACE="/tmp/w", TMPDIR="/tmp")
    assert set(found) == set(VERBS)
    for verb, said in found.items():
        assert said.code != 0, (verb, said)
        words = "No space left on device|No folder for temporary|Read-only file system"
        said.is_short(words, most=8 if verb == "check" else 4)


def test_a_disk_that_takes_no_more(scratch: Path) -> None:
    """Where no disk can be made full: files of at most so many bytes."""
    script = (
        "import resource, signal, sys; from tutor.__main__ import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    for verb in ("goto 3", "workspace"):
        words = [str(HERE), "-P", "-c", script, *verb.split()]
        said = run(words, TUTOR_WORKSPACE=str(scratch / "w"))
        assert said.code == 1, said.text
        said.is_short("File too large")


def works(words: list[str], root: Path, scratch: Path, **extra: str) -> None:
    """A step is proven and Lab answers, below the words that stand before both."""
    own = {
        name: str(scratch / name.lower())
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "IPYTHONDIR",
            "TUTOR_WORKSPACE",
        )
    }
    python = [*words, str(root / ".venv/bin/python"), "-P"]
    said = run([*python, "-m", "tutor", "step", "4"], root, **extra)
    assert said.code == 0, said.text
    assert "Step 4 holds" in said.text
    said = run([*python, "-c", VISIT], root, **own | extra)
    assert said.code == 0, said.text
    assert "Lab answers 200" in said.text


@pytest.mark.usefixtures("own_environment")
def test_a_proxy_that_leads_nowhere(scratch: Path) -> None:
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    proxies = {name: PROXY for name in names} | {n.lower(): PROXY for n in names}
    works([], ROOT, scratch, **proxies)


@pytest.mark.usefixtures("own_environment")
def test_a_machine_without_ipv6(scratch: Path) -> None:
    words = [*unshare("-n"), "/bin/sh", "-c"]
    up = f"{HERE} -c '{LONELY}' && exec \"$@\""
    said = run([*words, up, "sh", "true"])
    if said.code:
        pytest.skip(f"no network without IPv6 can be made here: {said.text}")
    works([*words, up, "sh"], ROOT, scratch)


@pytest.mark.usefixtures("own_environment")
def test_a_home_with_spaces_and_letters_of_all_kinds(scratch: Path) -> None:
    """The checkout stands in it, and so do its temporary files."""
    home = scratch / "Zoë Müller 王"
    course = home / "my course"
    for name in ("src", "steps", "tests/sanitize.cfg", "tutorial.ipynb"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).symlink_to(ROOT / name)
    for name in ("pyproject.toml", "requirements.lock", "Makefile"):
        shutil.copy(ROOT / name, course)
    (course / ".venv").symlink_to(ROOT / ".venv")
    (home / "tmp").mkdir()
    works([], course, home, HOME=str(home), TMPDIR=str(home / "tmp"))
    assert [path.name for path in (home / "tmp").iterdir()] == []
