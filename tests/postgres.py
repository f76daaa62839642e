"""A PostgreSQL for a test, gone with it: no port, its files in a folder of its own.

There is one where ``initdb`` and ``postgres`` are on the path or where Debian and
Homebrew keep them, as in CI; elsewhere ``NONE`` is why tests that need one are skipped.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from urllib.parse import quote

from tutor.children import Child, env, run

NONE = "no PostgreSQL here: put initdb and postgres on the path"
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
MADE = ("-U", "tutor", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
RUNS = ("-c", "listen_addresses=", "-c", "fsync=off", "-k")
SECONDS = 120


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, or None."""
    path = os.pathsep.join(
        [env()["PATH"], *(one for place in PLACES for one in sorted(glob(place)))]
    )
    found = [shutil.which(name, path=path) for name in ("initdb", "postgres")]
    if not all(found) or (os.getuid() == 0 and not (_user() and _lower())):
        return None
    return Path(os.path.realpath(str(found[1]))).parent


def _user() -> str:
    """Who runs it where we are root, whom it refuses."""
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return ""


def _lower() -> list[str]:
    """The command that gives up being root; empty where there is none."""
    found = shutil.which("setpriv")
    return [found, f"--reuid={_user()}", "--clear-groups"] if found else []


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """A server with an empty database; what a project needs in its environment."""
    folder = programs()
    assert folder is not None, NONE
    root = os.getuid() == 0
    before = _lower() if root else []
    place = Path(tempfile.mkdtemp(prefix="tutor-pg-"))
    data = place / "data"
    try:
        if root:
            shutil.chown(place, _user())
        made = run(
            [*before, str(folder / "initdb"), "-D", str(data), *MADE],
            place,
            SECONDS,
        )
        assert made.code == 0, made.out
        server = Child(
            [*before, str(folder / "postgres"), "-D", str(data), *RUNS, str(place)],
            place,
        )
        try:
            ready = "ready to accept connections"
            assert server.wait_for(lambda out: ready in out, SECONDS), server.text
            url = f"postgres://tutor@{quote(str(place), safe='')}/postgres"
            yield {"DATABASE_URL": url}
        finally:
            # At once, and it tidies up: TERM would wait for its clients.
            with suppress(OSError, ValueError, IndexError):
                pid = (data / "postmaster.pid").read_text().split()[0]
                os.kill(int(pid), signal.SIGINT)
                server.wait(SECONDS)
            server.stop(grace=0)
    finally:
        shutil.rmtree(place, ignore_errors=True)
