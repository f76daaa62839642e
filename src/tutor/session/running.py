"""What runs for the cells: commands, servers, and what stands beside them."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

from tutor import children
from tutor.nginx import FILE, Front
from tutor.redis import Redis
from tutor.report import Refusal
from tutor.servers import Server
from tutor.session.logs import BAD, entries
from tutor.session.project import Project
from tutor.sites import Site
from tutor.started import Started, start
from tutor.tracebacks import fold
from tutor.visitors import Jars

GIVEN = re.compile(r"[A-Z][A-Z_]*=")  # a variable, before a command


class Running(Project):
    """What was started in the project, and its end.

    Args:
        cwd: the folder the kernel was started in.
    """

    def __init__(self, cwd: Path) -> None:
        super().__init__(cwd)
        self.servers: list[Server] = []
        self.started: list[Started] = []
        self.redis: Redis | None = None
        self.front: Front | None = None
        self.given: dict[str, str] = {}  # what `tutor.environment` has said
        self.jars = Jars()
        self._read: dict[Server | Started, int] = {}  # characters of each log

    def sh(self, command: str, timeout: float = 60) -> children.Result:
        """Run a command in the project's folder; its output with tracebacks folded."""
        done = children.run(words(command), self.folder, timeout, self.extra)
        return replace(done, out=fold(done.out, self.folder))

    def project(self, code: str, timeout: float = 30) -> children.Result:
        """Run Python inside the project, in a fresh child process."""
        done = children.run_inside(code, self.folder, timeout, self.extra)
        return replace(done, out=fold(done.out, self.folder))

    @property
    def extra(self) -> dict[str, str]:
        """What the project finds in its environment besides ours."""
        return self.given | (self.redis.extra if self.redis else {})

    def serve(self, command: str, also: bool = False) -> Server:
        """Start a server; it may still be starting.

        Args:
            command: the command line, variables for its environment before it.
            also: beside those that run, not in their place.
        """
        if not also:
            self.stop()
            self.servers, self.started = [], []
        argv, given = words(command), dict(self.extra)
        while len(argv) > 1 and GIVEN.match(argv[0]):
            name, _, value = argv.pop(0).partition("=")
            given[name] = value
        self.servers.append(Server(argv, self.folder, given))
        return self.servers[-1]

    def serve_again(self, number: int = 1) -> Server:
        """Start a server anew on the port it had, with what is around now.

        Raises:
            Refusal: there is none of that number.
        """
        server = self.serving(number)
        server.again()
        self._read.pop(server, None)
        return server

    def serving(self, number: int = 1) -> Server:
        """The server that the cells talk to, or another one beside it.

        Args:
            number: 1 for the first, 2 for the one started beside it.

        Raises:
            Refusal: there is none.
        """
        if not self.servers:
            raise Refusal(
                "No server is running in this kernel.\n"
                "Run the %serve cell above this one first."
            )
        if not 1 <= number <= len(self.servers):
            raise Refusal(
                f"There is no server {number}; there are {len(self.servers)}.\n"
                "%serve --also starts one more."
            )
        return self.servers[number - 1]

    def proxy(self, name: str = FILE) -> None:
        """Start nginx before the servers, or anew.

        Args:
            name: the file of the project with its server blocks.

        Raises:
            Refusal: there is no such file, or nginx refuses it.
        """
        path = self.path(name)
        if not path.is_file():
            raise Refusal(f"{name}: there is no such file in the project.")
        self.front = self.front or Front(self.folder)
        self.front.project = self.folder
        text = path.read_text(encoding="utf-8", errors="replace")
        self.front.start(text, self.servers, name)

    def site(self, path: str, at: int = 1) -> tuple[Site, str]:
        """Who is asked, and for what.

        Args:
            path: a path of a server, or a whole address, which leads to nginx.
            at: which server, where there are several.

        Raises:
            Refusal: there is no such server, or no nginx.
        """
        scheme, colon, rest = path.partition("://")
        if not colon:
            return self.serving(at), path
        if self.front is None:
            raise Refusal("No nginx is running in this kernel: %nginx starts one.")
        name, slash, path = rest.partition("/")
        return self.front.entry(scheme, name), slash + path

    def start(self, command: str) -> str:
        """Start a command that stays, beside the servers; the first line it prints."""
        self.started.append(start(words(command), self.folder, self.redis, self.extra))
        return fold(self.started[-1].first_line(), self.folder)

    def stop_started(self, word: str, grace: float) -> None:
        """End the commands that `start` has started with some word in them.

        Args:
            word: such as ``runworker``.
            grace: seconds in which they may end politely; 0 kills them.

        Raises:
            Refusal: there is none.
        """
        named = [one for one in self.started if word in one.argv]
        if not named:
            raise Refusal(f"Nothing with {word} in it was started: see %start.")
        for one in named:
            one.stop(grace)
            self.started.remove(one)

    @property
    def everyone(self) -> list[Server | Started]:
        """The servers, and what was started beside them."""
        return [*self.servers, *self.started]

    def stop(self) -> None:
        """End the servers and what was started beside them; their logs stay."""
        for one in self.everyone:
            one.stop()

    def end(self) -> None:
        """End everything that runs for the cells: the servers, and a Redis."""
        self.stop()
        self.given = {}
        if self.front is not None:
            self.front.stop()
            self.front = None
        if self.redis is not None:
            self.redis.stop()
            self.redis = None

    def log(self, wanted: str = "") -> list[str]:
        """Entries of the servers' logs that have not been shown yet.

        Args:
            wanted: only the first entry with this text in the first server's log,
                waited for; otherwise every entry at WARNING or above, of all.

        Raises:
            Refusal: no entry has the text.
        """
        server = self.serving()
        if wanted:
            read = self._read.get(server, 0)
            if not server.child.wait_for(
                lambda out: wanted in out[read:].rpartition("\n")[0], 5
            ):
                raise Refusal(
                    f"The server's log has no entry with: {wanted}\n"
                    "Its last lines are:\n"
                    + "\n".join(fold(server.log(), self.folder).splitlines()[-12:])
                )
            return [next(e for e in self._news(server) if wanted in e)]
        found = []
        for one in self.everyone:
            raw = one.child.text
            found += [e for e in self._news(one) if BAD.match(e)]
            self._read[one] = len(raw)
        return found

    def _news(self, server: Server | Started) -> list[str]:
        """The entries of a log that have not been shown."""
        shown = server.child.text[: self._read.get(server, 0)].count("\n")
        news = server.log().splitlines()[shown:]
        return entries(fold("\n".join(news), self.folder))


def words(command: str) -> list[str]:
    """A command line as its words.

    Raises:
        Refusal: a quote is left open, or nothing is there.
    """
    try:
        found = shlex.split(command)
    except ValueError:
        raise Refusal(f"A quote is left open in: {command}") from None
    if not found:
        raise Refusal("A command is missing here, such as: python manage.py check")
    return found
