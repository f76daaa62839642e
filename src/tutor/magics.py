"""The words of a cell: ``%step``, ``%%edit``, ``%serve`` and the others.

Each does one thing that a person would do in an editor or a terminal, or shows
what came of it.  What each prints is the same wherever the notebook stands.
"""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from tutor import broken, edits, trees
from tutor.course import Step, step_line
from tutor.redis import Redis
from tutor.report import Refusal
from tutor.servers import Server
from tutor.session import Session, words
from tutor.tracebacks import fold


@magics_class
class TutorMagics(Magics):
    """Registered by ``import tutor``."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self.session = session
        self._names = shell.user_ns
        self._ours = set(self._names)

    # -- the frame of a step ---------------------------------------------------

    @line_magic
    def step(self, line: str) -> None:
        """Begin a step: ``%step 4``."""
        number = _number(line)
        said = self.session.begin(number)
        for name in set(self._names) - self._ours - {"tutor"}:
            if not name.startswith("_"):
                del self._names[name]
        if said:
            print(said)
        step = self.session.course.step(number)
        print(step_line(step, self.session.tree(number - 1), self.session.tree(number)))

    @line_magic
    def checkpoint(self, line: str) -> None:
        """End a step: prove that the project behaves, and is what steps/ holds."""
        from tutor import checks

        session = self.session
        step = session.current(_number(line))
        session.end()
        mended = broken.mend(session.folder)
        if mended.note:
            print(mended.note)
        where = session.judged(step)
        found = checks.check_step(where, step.slug) if step.slug in checks.KNOWN else []
        print(
            f"Checkpoint {step.number}: the project is what steps/{step.folder} holds."
        )
        for check in found:
            sign = "✗" if check.problem else "?" if check.left_out else "✓"
            more = f" ({check.left_out})" if check.left_out else ""
            print(f"  {sign} {check.title}{more}")
        problems = [check.problem for check in found if check.problem is not None]
        if problems:
            raise Refusal(
                f"Step {step.number} is not done yet.\n\n"
                + "\n\n".join(map(str, problems))
                + "\n\nYour files are as they were. "
                + f"What the step changes: make diff-{step.number}"
            )
        if where == session.folder:  # else it was the reference that passed
            self._compare(step)
            session.finish(step)

    def _compare(self, step: Step) -> None:
        """Hold the project beside steps/NN; only a learner's may differ."""
        tree = self.session.tree(step.number)
        if tree is None or not tree.is_dir():
            return  # being recorded for the first time
        found = trees.changes(tree, self.session.folder)
        if not found:
            return
        listed = "\n".join(f"  {change}" for change in found)
        if self.session.learners:
            print(
                "Yours differs from it, and behaves as it should. That is fine:\n"
                + listed
            )
        elif self.session.tree(step.number) == self.session.course.tree(step.number):
            shown = "\n".join(line for change in found for line in change.diff[:30])
            raise Refusal(
                f"The cells of step {step.number} make another project "
                f"than steps/{step.folder}:\n"
                f"{listed}\n{shown}\n"
                "If the cells are right: make checkpoints"
            )

    @line_magic
    def exercise(self, line: str) -> None:
        """Go to the exercise's own copy of a checkpoint: ``%exercise 4``."""
        name = self.session.exercise(_number(line))
        print(f"{name}/ holds a copy of the project for you to change as you like.")

    @cell_magic
    def answer(self, line: str, cell: str) -> None:
        """Check an answer to an exercise: ``%%answer 4``."""
        from tutor import exercises

        number = _number(line)
        step = self.session.course.step(number)
        if f"{number:02}" != self.session.folder.name:
            self.session.exercise(number)
        print(exercises.check(step.slug, cell, self.session.folder))

    @line_magic
    def hint(self, line: str) -> None:
        """The next of three hints: a question, a pointer, the answer."""
        from tutor.exercises import hints

        step = (
            self.session.course.step(_number(line))
            if line.strip()
            else self.session.step
        )
        if step is None:
            raise Refusal("Say which step: %hint 4")
        print(
            hints.next_hint(step, self.session.cwd if self.session.learners else None)
        )

    @line_magic
    def check(self, line: str) -> None:
        """Say which step the project has reached and what is wrong with the next."""
        from tutor import checks

        checks.main(["--project", str(self.session.anywhere())])

    @line_magic
    def referee(self, line: str) -> None:
        """Let the project be judged as a live board, with a small crowd."""
        from tutor.referee.cells import judge

        judge(self.session)

    @line_magic
    def reference(self, line: str) -> None:
        """Go where the reference board grows, beside the learner's own."""
        self.session.reference(_number(line))
        print("The reference board grows in a folder of its own.")

    # -- files -------------------------------------------------------------------

    @cell_magic
    def write(self, line: str, cell: str) -> None:
        """Write a whole file: ``%%write master_app/routing.py``."""
        options, name = _options(line, "--break")
        self.session.write(name, cell, bool(options["--break"]))
        print(f"{name}: {_lines(len(cell.splitlines()))}{_broken(options)}")

    @cell_magic
    def edit(self, line: str, cell: str) -> None:
        """Make one marked change: ``%%edit webapp/settings.py``."""
        options, name = _options(line, "--break")
        try:
            change = edits.parse(cell)
        except edits.EditError as error:
            raise Refusal(f"%%edit {name}: {error}.\nThe line: {error.line}") from None
        place = self.session.edit(name, change, bool(options["--break"]))
        print(
            f"{name}: +{change.added} −{change.removed}"
            + (f", {place}" if place else "")
            + _broken(options)
        )

    @line_magic
    def mend(self, line: str) -> None:
        """Bring back what was broken on purpose."""
        mended = broken.mend(self.session.folder)
        names = ", ".join(mended.names)
        print(f"mended: {names}" if names else "Nothing is broken on purpose.")
        if mended.note:
            print(mended.note)

    @line_magic
    def remove(self, line: str) -> None:
        """Remove a file; a file that is gone already is left gone."""
        try:
            self.session.path(line.strip()).unlink(missing_ok=True)
        except OSError as error:
            raise Refusal(
                f"{line.strip()} can't be removed: {error.strerror}."
            ) from None
        print(f"{line.strip()}: removed")

    @line_magic
    def move(self, line: str) -> None:
        """Rename a file; a move that has been made already is left alone."""
        named = words(line)
        if len(named) != 2:
            raise Refusal("Two names are due here: %move OLD NEW")
        old, new = named
        source, target = self.session.path(old), self.session.path(new)
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        elif not target.exists():
            raise Refusal(f"{old}: there is no such file to move.")
        print(f"{old}: now {new}")

    @line_magic
    def tree(self, line: str) -> None:
        """Show the project's files."""
        names = trees.files(self.session.folder)
        for text in tree_lines([n for n in names if n.startswith(line.strip())]):
            print(text)

    @cell_magic
    def system(self, line: str, cell: str) -> None:
        """Read a file of the system, as it is: ``%%system daphne@.service``."""
        from tutor import machines

        print(machines.described(line.strip(), cell))

    # -- commands and servers ------------------------------------------------------

    @line_magic
    def sh(self, line: str) -> None:
        """Run a command: ``%sh python manage.py check``.

        ``--fails`` if it should fail; ``--creates PATH`` to leave it out where
        the file is there already.
        """
        options, command = _options(line, "--fails", "--creates")
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
        options, _ = _options(line, "--fails")
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
        options, command = _options(line, "--fails", "--again", "--also")
        server = (
            self.session.serve_again(_number(command or "1"))
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
        options, number = _options(line, "--kill")
        grace = 0 if options["--kill"] else 5
        done = "was killed" if options["--kill"] else "has ended"
        if number and not number.isdigit():
            self.session.stop_started(number, grace)
            print(f"{number} {done}.")
            return
        server = self.session.serving(_number(number or "1"))
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

        options, name = _options(line, "--fails")
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
        options, _ = _options(line, "--kill", "--again", "--empty")
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


def tree_lines(names: list[str]) -> list[str]:
    """Files as an indented list, each folder named once."""
    out: list[str] = []
    seen: set[str] = set()
    for name in sorted(names, key=lambda n: ("/" not in n, n)):
        *folders, last = name.split("/")
        for depth in range(len(folders)):
            folder = "/".join(folders[: depth + 1])
            if folder not in seen:
                seen.add(folder)
                out.append("    " * depth + folders[depth] + "/")
        out.append("    " * len(folders) + last)
    return out


def _number(line: str) -> int:
    try:
        return int(line)
    except ValueError:
        raise Refusal(f"A step's number is due here, not {line.strip()!r}.") from None


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _broken(options: dict[str, str | bool]) -> str:
    return "   (on purpose: %mend undoes it)" if options["--break"] else ""


def _options(line: str, *known: str) -> tuple[dict[str, str | bool], str]:
    """Leading options of a magic, and the rest of its line.

    ``--creates PATH`` takes a value; the others stand for themselves.
    """
    found: dict[str, str | bool] = dict.fromkeys(known, False)
    rest = line.strip()
    while rest.startswith("--"):
        word, _, rest = rest.partition(" ")
        if word not in found:
            raise Refusal(f"{word} is not known here; known: {', '.join(known)}")
        value: str | bool = True
        if word == "--creates":
            value, _, rest = rest.partition(" ")
        found[word] = value
        rest = rest.strip()
    return found, rest
