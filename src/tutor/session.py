"""The kernel's one session: which step, in which folder, with which server."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from tutor import broken, children, edits, places, trees
from tutor.course import Course, Step
from tutor.nginx import FILE, Front
from tutor.redis import Redis
from tutor.report import Refusal
from tutor.servers import Server
from tutor.sites import Site
from tutor.started import Started, start
from tutor.tracebacks import fold
from tutor.visitors import Jars

GIVEN = re.compile(r"[A-Z][A-Z_]*=")  # a variable, before a command
LEVELS = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL)\s")
ENTRY = re.compile(
    r"^((DEBUG|INFO|WARNING|ERROR|CRITICAL)\s|WebSocket |HTTP |GET |POST |WS[A-Z]+ |"
    r"Not Found:|Bad Request:|Invalid HTTP_HOST|Exception inside|Application instance|"
    r"Starting |Watching |\{\")"
)
BAD = re.compile(r"WARNING|ERROR|CRITICAL|Exception|Not Found")

BOARD = "board.toml"  # in which a board declares itself


class Session:
    """What the magics of one kernel share.

    Args:
        cwd: the folder the kernel was started in; it decides where the project is.
    """

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        self.learners = places.is_learners(cwd)
        self.step: Step | None = None
        self.servers: list[Server] = []
        self.started: list[Started] = []
        self.redis: Redis | None = None
        self.front: Front | None = None
        self.given: dict[str, str] = {}  # what `tutor.environment` has said
        self.jars = Jars()
        self._folder: Path | None = None
        self._begun: Path | None = None  # where the step's own project is
        self._read: dict[Server | Started, int] = {}  # characters of each log
        self._scratch: list[places.Place] = []
        self._home: Path | None = None
        self._reached = 0  # in a temporary workspace

    @cached_property
    def course(self) -> Course:
        return Course.load(places.root())

    @property
    def folder(self) -> Path:
        """The project's folder.

        Raises:
            Refusal: no step has begun in this kernel.
        """
        if self._folder is None:
            raise Refusal(
                "No step has begun in this kernel, so it has no project folder.\n"
                "Run the cell %step at the top of this step first, then this one again."
            )
        return self._folder

    def anywhere(self) -> Path:
        """The project's folder, also where no step has begun in this kernel."""
        return self.cwd if self._folder is None and self.learners else self.folder

    def path(self, name: str) -> Path:
        """A file of the project.

        Raises:
            Refusal: the name leads out of the project.
        """
        target = (self.folder / name).resolve()
        if not name or not target.is_relative_to(self.folder.resolve()):
            raise Refusal(f"{name or 'An empty name'} is no file inside the project.")
        return target

    # -- steps ---------------------------------------------------------------

    def begin(self, number: int) -> str:
        """Begin a step; what to say about where it runs, if anything.

        Raises:
            Refusal: there is no such step, or the workspace isn't where it begins.
        """
        step = self.course.step(number)
        self.end()
        self.jars = Jars()
        said = ""
        if self.learners:
            progress = places.Progress(self.cwd)
            said = broken.mend(self.cwd).note
            if progress.reached < number - 1 and not self._behaves(number - 1):
                raise Refusal(self._not_there(number, progress.reached))
            if progress.reached >= number:
                said += "\n" * bool(said) + (
                    f"Your workspace has already reached step {progress.reached}: "
                    f"step {number} runs in a scratch folder."
                )
                self._folder = self._scratch_after(number - 1)
            else:
                progress.reached = number - 1
                self._folder = self.cwd
        elif self._home is not None and self._reached == number - 1:
            self._folder = self._home  # the whole course in one kernel
        else:
            self._folder = self._home = self._scratch_after(number - 1)
        self.step, self._begun = step, self._folder
        return said

    def _behaves(self, number: int) -> bool:
        from tutor import checks

        slug = self.course.step(number).slug
        if slug not in checks.KNOWN or not (self.cwd / "manage.py").exists():
            return False
        return all(check.problem is None for check in checks.check_step(self.cwd, slug))

    def _not_there(self, number: int, reached: int) -> str:
        began = f"where step {reached} ends" if reached else "at the very beginning"
        return (
            f"Step {number} begins where step {number - 1} ends; "
            f"your workspace is {began}.\n"
            f"Go on with step {reached + 1}, or bring the workspace here with\n"
            f"    make goto-{number - 1}\n"
            "It saves your files first. Nothing has been changed."
        )

    def _scratch_after(self, number: int) -> Path:
        place = places.temporary()
        self._scratch.append(place)
        tree = self.tree(number)
        if tree is not None:
            if not tree.is_dir():
                raise Refusal(
                    f"{tree.name} is missing below steps/. Run: make checkpoints"
                )
            trees.copy(tree, place.folder)
        return place.folder

    def tree(self, number: int) -> Path | None:
        """The project after step ``number``: as committed, or as just recorded."""
        if number == 0:
            return None
        recording = os.environ.get(places.RECORD)
        if recording:
            return Path(recording) / self.course.step(number).folder
        return self.course.tree(number)

    def current(self, number: int) -> Step:
        """The step that runs.

        Raises:
            Refusal: another one does, or none.
        """
        if self.step is None or self.step.number != number:
            here = f"in step {self.step.number}" if self.step else "in no step"
            raise Refusal(
                f"This cell belongs to step {number}, and the kernel is {here}.\n"
                f"Run the cell %step {number} above first."
            )
        self._folder = self._begun  # an exercise may have led elsewhere
        return self.step

    def finish(self, step: Step) -> None:
        """Remember that a step's checkpoint was passed."""
        self._reached = max(self._reached, step.number)
        if self.learners and self._folder == self.cwd:
            progress = places.Progress(self.cwd)
            progress.reached = max(progress.reached, step.number)
        recording = os.environ.get(places.RECORD)
        if recording:
            trees.replace(self.folder, Path(recording) / step.folder)

    def exercise(self, number: int) -> str:
        """Go to the exercise's own copy of checkpoint ``number``.

        Returns:
            The folder's name, relative to the workspace.
        """
        step = self.course.step(number)
        self.end()
        base = self.cwd if self.learners else self._home or self._scratch_after(number)
        name = f"exercises/{step.number:02}"
        folder = base / name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            tree = self.tree(number)
            assert tree is not None
            trees.copy(tree, folder)
        self._folder = folder
        return name

    def reference(self, number: int) -> None:
        """Go where a step's reference is built: in a workspace beside the learner's.

        Elsewhere it is what the step's cells make.
        """
        step = self.current(number)
        if not self.learners or self.folder != self.cwd:
            return
        self.end()
        folder = self.cwd / f"exercises/{step.number:02}"
        tree = self.tree(number - 1)
        if not folder.is_dir() and tree is not None:
            folder.mkdir(parents=True)
            trees.copy(tree, folder)
        self._folder = folder

    def judged(self, step: Step) -> Path:
        """Where the checks of a step look.

        A learner who has no board yet sees the reference judged, if it is there.
        """
        reference = self.cwd / f"exercises/{step.number:02}"
        mine = (self.folder / BOARD).exists() or not self.learners
        if step.slug == "capstone" and not mine and (reference / BOARD).exists():
            return reference
        return self.folder

    # -- commands and servers ------------------------------------------------

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

    # -- files ---------------------------------------------------------------

    def write(self, name: str, content: str, breaking: bool = False) -> None:
        """Write a whole file of the project.

        Args:
            name: the file.
            content: its text.
            breaking: whether ``broken.mend`` shall bring back what is there now.

        Raises:
            Refusal: it can't be written.
        """
        target = self.path(name)
        try:
            if breaking:
                broken.write(self.folder, name, content.encode())
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode())
        except OSError as error:
            raise Refusal(f"{name} can't be written: {error.strerror}.") from None

    def edit(self, name: str, change: edits.Change, breaking: bool = False) -> str:
        """Make a marked change; the place of it in words.

        Raises:
            Refusal: the context isn't in the file, or there is no such file.
        """
        target = self.path(name)
        number = self.step.number if self.step else 0
        back = f"    make goto-{number - 1}" if number > 1 else "    make reset"
        try:
            text = target.read_bytes().decode()  # line ends as they are
        except OSError:
            raise Refusal(
                f"{name}: there is no such file in {self.folder.name}/.\n"
                "This command brings the workspace to where this step begins:\n" + back
            ) from None
        except UnicodeDecodeError:
            raise Refusal(f"{name} is no text in UTF-8. Nothing was changed.") from None
        try:
            changed = edits.apply(change, text)
        except edits.EditError as error:
            raise Refusal(
                f"{name}: {error}.\nLooked for: {error.line.strip()}\n"
                "Make the change by hand in your editor and go on with the next cell;\n"
                "or bring the workspace to where this step begins (saved first):\n"
                + back
            ) from None
        if changed != text:
            self.write(name, changed, breaking)
        return edits.where(change, changed)


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


def entries(log: str) -> list[str]:
    """A log cut into entries, each with the traceback that belongs to it."""
    found: list[list[str]] = []
    for line in log.splitlines():
        if ENTRY.match(line) or not found:
            found.append([])
        found[-1].append(LEVELS.sub(lambda level: f"{level[1]} ", line))
    return ["\n".join(entry).rstrip() for entry in found]
