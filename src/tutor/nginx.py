"""A real nginx for a cell, a check or a test, that goes when its user goes.

It is the system's nginx: ``$TUTOR_NGINX``, or the one on the path; ``TUTOR_NGINX=none``
means: do without one.  It runs without rights of root, with all its files in a folder
of its own, and is given what a ``server`` block on a real machine says, with the
machine's ports and paths in it; `Front` puts ours in their place.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tutor import packages, places
from tutor.children import Child
from tutor.report import Refusal
from tutor.servers import HOST, Server, hold
from tutor.sites import Entry, certificate

NONE = "No nginx was found"  # tutor.prove leaves out a cell that says so
HOW = "apt install nginx-light (or dnf, apk, brew install nginx), or TUTOR_NGINX=path"
FILE = "deploy/nginx.conf"
NAME = "board.example"  # the site's name in the course
BACKENDS = (8001, 8002, 8003)  # the ports of the Daphnes on a real machine
FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
SECONDS = 10.0

_MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr notice;
events {{ worker_connections 2048; }}
http {{
    {types}
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site;
}}
"""
_TYPES = "types { text/css css; text/javascript js; image/svg+xml svg; }"
_WHERE_TYPES = ("/etc/nginx", "/usr/local/etc/nginx", "/opt/homebrew/etc/nginx")
_LISTEN = re.compile(r"\blisten\s+(?:[\w.*]+:)?(80|443)\b")
_LISTEN_6 = re.compile(r"\blisten\s+\[[^]]*\]:\d+[^;]*;")
_CERTIFICATE = re.compile(r"\b(ssl_certificate(?:_key)?)\s+[^;]+;")
_BACKEND = re.compile(r"\b(?:127\.0\.0\.1|localhost):(800\d)\b")
_PROJECT = re.compile(r"/srv/[\w.-]+/")


def find() -> Path | None:
    """The nginx that is here, or None.

    Raises:
        Refusal: ``TUTOR_NGINX`` names something that is not there.
    """
    wanted = os.environ.get("TUTOR_NGINX")
    if wanted == "none":
        return None
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *FOLDERS])
    found = shutil.which(wanted or "nginx", path=path)
    if wanted and found is None:
        raise Refusal(f"TUTOR_NGINX={wanted}: there is no such program.")
    return Path(found) if found else None


def left_out(path: str) -> bool:
    """Whether this needs an nginx, and there is none: then a line says so."""
    if "://" not in path or find() is not None:
        return False
    print(f"{NONE}: what goes through it is left out.")
    return True


def get() -> Path | None:
    """The nginx that is here, or one installed now; None where neither worked."""
    if (found := find()) or os.environ.get("TUTOR_NGINX") == "none":
        return found
    print("No nginx was found; asking the system's packages for it.", flush=True)
    if packages.install("nginx-light") or packages.install("nginx"):
        return find()
    return None


class Front:
    """An nginx before a project's servers, or the ports that wait for one.

    Args:
        project: the folder that ``/srv/NAME/`` stands for.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self._place = places.temporary()
        self._held = {80: hold(), 443: hold()}
        for held in self._held.values():
            held.listen(511)  # so many as nginx asks for; clients may come early
        self._nobody = hold()  # where a server that is not there would listen
        self.ports: dict[int, int] = {
            public: held.getsockname()[1] for public, held in self._held.items()
        }
        self._cert = certificate(NAME, self._place.folder)
        self._shown = FILE
        self.child: Child | None = None

    @property
    def running(self) -> bool:
        return self.child is not None and not self.child.ended

    def entry(self, scheme: str, name: str = NAME) -> Entry:
        """Where clients come in.

        Args:
            scheme: ``http`` or ``https``, or the same for sockets.
            name: what they call it.
        """
        secure = scheme in ("https", "wss")
        return Entry(
            name,
            self.ports[443 if secure else 80],
            self._cert if secure else None,
            self.ports[80],
        )

    def start(self, site: str, servers: Sequence[Server], shown: str = FILE) -> None:
        """Start it anew.

        Args:
            site: the text of the server blocks.
            servers: who listens on the ports 8001, 8002 ...
            shown: what the text's file is called.

        Raises:
            Refusal: there is no nginx, or it refuses the text.
        """
        folder = self._place.folder
        text = self.localised(site, [server.port for server in servers])
        (folder / "site").write_text(text, encoding="utf-8")
        (folder / "main").write_text(
            _MAIN.format(folder=folder, types=_types(), user=_user()), encoding="utf-8"
        )
        self._shown = shown
        self.again()

    def again(self) -> None:
        """Start it anew with the text that it has.

        Raises:
            Refusal: there is no nginx, or it refuses the text.
        """
        self.end()
        program, folder = find(), self._place.folder
        if program is None:
            raise Refusal(f"{NONE}; to get one: {HOW}")
        argv = [str(program), "-p", str(folder), "-c", str(folder / "main")]
        fds = [held.fileno() for held in self._held.values()]
        handed = "".join(f"{fd};" for fd in fds)
        child = Child(argv, folder, fds, {"NGINX": handed})
        if not child.wait_for(lambda out: "start worker process " in out, SECONDS):
            child.stop()
            said = self.tidy(child.text)
            raise Refusal(f"nginx did not start. It said:\n{said[-1500:]}")
        self.child = child

    def localised(self, site: str, backends: Sequence[int]) -> str:
        """The text with this machine's ports and paths, line for line.

        Args:
            site: what would stand on a real machine.
            backends: the ports of those who listen on 8001, 8002 ...
        """
        here = dict(zip(BACKENDS, backends, strict=False))
        nobody = self._nobody.getsockname()[1]
        files = {"ssl_certificate": "cert.pem", "ssl_certificate_key": "key.pem"}
        text = _LISTEN_6.sub("", site)
        text = _LISTEN.sub(lambda m: f"listen {HOST}:{self.ports[int(m[1])]}", text)
        text = _CERTIFICATE.sub(
            lambda m: f"{m[1]} {self._place.folder / files[m[1]]};", text
        )
        text = _BACKEND.sub(lambda m: f"{HOST}:{here.get(int(m[1]), nobody)}", text)
        return _PROJECT.sub(f"{self.project}/", text)

    def tidy(self, text: str) -> str:
        """What it printed, from warnings on, in the words of the text's own file."""
        lines = [line for line in text.splitlines() if "[notice]" not in line]
        said = "\n".join(re.sub(r"^\S+ \S+ (?=\[)", "", line) for line in lines)
        said = re.sub(r"(?m)^nginx: (\[\w+\])", r"\1", said)
        return said.replace(str(self._place.folder / "site"), self._shown)

    def end(self) -> None:
        """End it; the ports stay ours."""
        if self.child is not None:
            self.child.stop(grace=1)

    def stop(self) -> None:
        """End it, and give up its ports and its folder; safe to repeat."""
        self.end()
        for held in (*self._held.values(), self._nobody):
            held.close()
        self._place.remove()


@contextmanager
def front(project: Path, site: str, servers: Sequence[Server]) -> Iterator[Front]:
    """An nginx for the time of a ``with`` block."""
    one = Front(project)
    try:
        one.start(site, servers)
        yield one
    finally:
        one.stop()


def _types() -> str:
    """What kind of file each ending means: the system's list, or a short one."""
    for folder in _WHERE_TYPES:
        if (found := Path(folder, "mime.types")).is_file():
            return f"include {found};"
    return _TYPES


def _user() -> str:
    """Root's nginx gives its rights away, and could not read a folder of root's."""
    return f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""


def main(argv: list[str]) -> int:
    """``--get`` installs one where there is none; CI fails without one."""
    found = get() if "--get" in argv else find()
    if found is None:
        print(f"No nginx. To get one: {HOW}")
        return 1 if os.environ.get("CI") == "true" else 0
    if "--get" not in argv:
        print(found)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        sys.exit(str(refusal))
