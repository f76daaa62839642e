"""The words for what runs: commands, servers, what stands beside them, and logs."""

from __future__ import annotations

from IPython.core.magic import cell_magic, line_magic

from tutor.magics.words import Words, number_of, options_of
from tutor.redis import Redis
from tutor.report import Refusal
from tutor.servers import Server
from tutor.tracebacks import fold


class Running(Words):
    """``%sh``, ``%%project``, ``%serve``, ``%log`` and the like."""

    @line_magic
    def sh(self, line: str) -> None:
        """Run a command: ``%sh python manage.py check``.

        ``--fails`` if it should fail; ``--creates PATH`` to leave it out where
        the file is there already.
        """
        options, command = options_of(line, "--fails", "--creates")
        created = options["--creates"]
        if created and self.session.path(str(created)).exists():
            return
        done = self.session.sh(command)
        self._finish(
            command, done.code, done.out, done.timed_out, bool(options["--fails"])
        )

    @cell_magic
    def project(self, line: str, cell: str) -> None:
        """Run Python inside the project, in a fresh process with Django set up."""
        options, _ = options_of(line, "--fails")
        done = self.session.project(cell)
        self._finish(
            "This cell", done.code, done.out, done.timed_out, bool(options["--fails"])
        )

    def _finish(
        self, what: str, code: int, out: str, timed_out: bool, fails: bool
    ) -> None:
        print(out, end="")
        if timed_out:
            raise Refusal(f"{what} did not end by itself and was stopped.")
        if fails and code == 0:
            raise Refusal(f"{what} should have failed here, and did not.")
        if code and not fails:
            raise Refusal(
                f"{what} failed with exit status {code}; its output is above."
            )

    @line_magic
    def serve(self, line: str) -> None:
        """Start a server: ``%serve daphne webapp.asgi:application``.

        ``--fails`` if it should end by itself; what it then said is printed.
        ``--also`` starts one more beside it, server 2.
        ``--again`` starts the first one anew, on the port it had; ``--again 2`` the
        second.
        """
        options, command = options_of(line, "--fails", "--again", "--also")
        server = (
            self.session.serve_again(number_of(command or "1"))
            if options["--again"]
            else self.session.serve(command, bool(options["--also"]))
        )
        up = server.ready()
        said = fold(server.log(), self.session.folder)
        if options["--fails"] and up:
            self.session.stop()
            raise Refusal(f"{command} should not have started here, and did.")
        if options["--fails"]:
            print(_failure(said))
        elif up:
            print(f"{self._called(server)} is up.")
        else:
            raise Refusal(
                f"{server.shown} ended while starting. It said:\n\n{_failure(said)}"
            )

    @line_magic
    def stop(self, line: str) -> None:
        """End the server; its log stays, and so does its port for ``--again``.

        ``%stop 2`` ends the second one.  ``--kill`` ends it as a crash would.
        ``%stop runworker`` ends what ``%start`` has started with that word in it.
        """
        options, number = options_of(line, "--kill")
        grace = 0 if options["--kill"] else 5
        done = "was killed" if options["--kill"] else "has ended"
        if number and not number.isdigit():
            self.session.stop_started(number, grace)
            print(f"{number} {done}.")
            return
        server = self.session.serving(number_of(number or "1"))
        server.pause(grace)
        print(f"{self._called(server)} {done}.")

    def _called(self, server: Server) -> str:
        number = self.session.servers.index(server) + 1
        return "The server" if number == 1 else f"Server {number}"

    @line_magic
    def start(self, line: str) -> None:
        """Start a command that stays: ``%start python manage.py runworker measure``.

        Print the first line it says.  It ends with the servers, or by ``%stop``.
        """
        print(self.session.start(line))

    @line_magic
    def nginx(self, line: str) -> None:
        """Start nginx before the servers: ``%nginx deploy/nginx.conf``.

        Run again, it reads the file anew.  ``--fails`` if nginx should refuse it.
        """
        from tutor import nginx

        options, name = options_of(line, "--fails")
        if nginx.find() is None:
            print(f"{nginx.NONE}: what goes through it is left out. {nginx.HOW}")
            return
        try:
            self.session.proxy(name or nginx.FILE)
        except Refusal as refusal:
            if not options["--fails"]:
                raise
            print(refusal)
        else:
            if options["--fails"]:
                raise Refusal("nginx should not have started here, and did.")
            print("nginx is up.")

    @line_magic
    def redis(self, line: str) -> None:
        """Start a Redis, whose address the project finds in ``REDIS_URL``.

        ``--kill`` ends it as a power cut would, ``--again`` brings it back with
        nothing in it, ``--empty`` empties it while it runs.
        """
        session = self.session
        options, _ = options_of(line, "--kill", "--again", "--empty")
        if not any(options.values()):
            session.redis = session.redis or Redis()
            print("Redis is up, and REDIS_URL says where.")
            return
        if session.redis is None:
            raise Refusal("No Redis is running in this kernel: %redis starts one.")
        if options["--kill"]:
            session.redis.kill()
            print("Redis was killed.")
        if options["--again"]:
            session.redis.again()
            print("Redis is back, with nothing in it.")
        if options["--empty"]:
            session.redis.empty()
            print("Redis was emptied.")

    @line_magic
    def log(self, line: str) -> None:
        """Show the log: the server's entry with a text, or all from WARNING on."""
        found = self.session.log(line.strip())
        print("\n".join(found) or "nothing in the log at WARNING or above")


def _failure(said: str) -> str:
    """The part of a server's output that says why it ended."""
    lines = said.splitlines()
    starts = [i for i, text in enumerate(lines) if text.startswith("Traceback")]
    if starts:
        return "\n".join(lines[starts[0] :])
    return "\n".join(text for text in lines if not text.startswith("INFO"))
