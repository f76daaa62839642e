"""What the cells of the tutorial stand on.

``import tutor`` is the setup cell.  In a kernel it brings the magics (see
``tutor.magics``) and the functions below; it imports neither Django nor any
project, and prints nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tutor.client import Talk
    from tutor.frames import Wire
    from tutor.pages import View
    from tutor.pictures import Picture
    from tutor.session import Session
    from tutor.watching import Watchers

OWN = "own"
_session: Session | None = None
_last_knock: tuple[str, str] | None = None  # the path, and how it was answered


def _current() -> Session:
    """The kernel's one session."""
    global _session
    if _session is None:
        from tutor.session import Session

        _session = Session(Path.cwd())
    return _session


def connect(
    path: str,
    origin: str | None = OWN,
    name: str = "",
    at: int = 1,
    user: str = "",
    device: str = "",
) -> AbstractAsyncContextManager[Talk]:
    """Open a WebSocket to the running server; what passes is printed.

    Args:
        path: such as ``/ws/whole1/``, or a whole address, which leads to nginx.
        origin: the Origin header; left out, the one a page of this server sends.
        name: whose socket it is, printed before each line.
        at: which server, where ``%serve --also`` has started another.
        user: who has logged in; without a name, theirs is printed.
        device: which of their browsers, where they have several.
    """
    from tutor import client

    if _left_out(path):
        return nullcontext(client.Silence())  # type: ignore[arg-type]
    session = _current()
    server, path = session.site(path, at)
    jar = session.jars.cookies(server, user, device)
    return client.talk(server, path, origin, name or device or user, jar)


async def knock(
    path: str, origin: str | None = OWN, at: int = 1, user: str = "", device: str = ""
) -> None:
    """Try a handshake, and print how it is answered."""
    from tutor import client

    global _last_knock
    if _left_out(path):
        return
    session = _current()
    server, path = session.site(path, at)
    jar = session.jars.cookies(server, user, device)
    said = await client.knock(server, path, origin, device or user, jar)
    _last_knock = path, said


def get(
    path: str, host: str = "", header: str = "", user: str = "", lines: str = ""
) -> None:
    """Ask the running server for a page; print its status and title.

    Args:
        path: such as ``/``.
        host: the host's name in the request; left out, the address itself.
        header: a header of the answer, to be printed as well.
        user: who has logged in.
        lines: print those lines of the answer that begin so, as well.
    """
    from tutor import client

    if _left_out(path):
        return
    session = _current()
    server, path = session.site(path)
    jar = session.jars.cookies(server, user)
    client.get(server, path, host, header, user, jar, lines)


def post(path: str, page: str | None = "/", user: str = "", **fields: object) -> None:
    """Send a form to the running server as a browser does; print what passes.

    Args:
        path: where the form goes, such as ``/publish/``.
        page: the page with the form, opened first; None leaves that out.
        user: who has logged in.
        fields: the form's fields and their values.
    """
    from tutor import forms

    if _left_out(path):
        return
    session = _current()
    server, path = session.site(path)
    jar = session.jars.cookies(server, user)
    forms.post(server, path, fields, page, jar, user)


def login(user: str, device: str = "", password: str = "tutorial") -> None:
    """Log in through the project's form; print what passes.

    Args:
        user: the name of the account.
        device: which of their browsers, where they have several.
        password: the one that the tutorial gives to everybody, if left out.
    """
    session = _current()
    session.jars.login(session.serving(), user, device, password)


def logout(user: str, device: str = "") -> None:
    """Log out with the button of the page; print what passes."""
    session = _current()
    session.jars.logout(session.serving(), user, device)


def environment(**variables: str) -> None:
    """Give variables to what runs from now on, until the next step; print which.

    Args:
        variables: their names and values; none at all takes the earlier ones away.
    """
    session = _current()
    session.given = variables
    names = ", ".join(variables) or "none of these"
    print(f"In the environment from now on: {names}.")


def _left_out(path: str) -> bool:
    """Whether this needs an nginx, and there is none: then a line says so."""
    from tutor import nginx

    if "://" not in path or nginx.find() is not None:
        return False
    print(f"{nginx.NONE}: what goes through it is left out.")
    return True


def people() -> None:
    """Make the workspace's database, with ada, who is on the staff, and bob."""
    from tutor import visitors

    session = _current()
    migrate = session.sh("python manage.py migrate -v 0")
    visitors.people(
        {"migrate": migrate, "making users": session.project(visitors.PEOPLE)}
    )


def browse(
    path: str, name: str = "", at: int = 1, user: str = "", device: str = ""
) -> AbstractAsyncContextManager[View]:
    """Open a page of the running server in a browser; what it shows is printed.

    Args:
        path: such as ``/``.
        name: whose browser it is, printed before each line.
        at: which server, where ``%serve --also`` has started another.
        user: who has logged in; without a name, theirs is printed.
        device: which of their browsers, where they have several.
    """
    from tutor import pages

    if _left_out(path):
        return nullcontext(pages.View(None))
    session = _current()
    server, path = session.site(path, at)
    jar = session.jars.cookies(server, user, device)
    return pages.browse(server, path, name or device or user, jar)


def watchers(
    path: str, *users: str, clients: int
) -> AbstractAsyncContextManager[Watchers]:
    """Many clients that listen, acknowledge, and come back when they are lost.

    Args:
        path: such as ``/ws/readings/``.
        users: who they are, in turn.
        clients: how many there are.
    """
    from tutor import watching

    session = _current()
    server = session.serving()
    jars = [session.jars.cookies(server, user) for user in users]
    mine = [jars[number % len(jars)] for number in range(clients)]
    return watching.watchers(server, path, mine)


async def flood(path: str, text: str, user: str, within: float = 3) -> None:
    """Send a text as fast as it goes; print how that ends.

    Args:
        path: such as ``/ws/readings/``.
        text: what is sent, a short message.
        user: who does it.
        within: seconds after which the flood ends.
    """
    from tutor import watching

    session = _current()
    server = session.serving()
    jar = session.jars.cookies(server, user)
    print(f'{user} → text "{text}"   (as fast as it goes)')
    code = await watching.flood(server, path, jar, text, within)
    # Which code, 4429, is lost where the line is cut with so much on the way.
    print(f"{user} ←", "thrown out" if code else f"still open after {within:g} s")


@asynccontextmanager
async def vanished(path: str, user: str) -> AsyncIterator[None]:
    """A client that was cut off: its socket stays, and answers no ping."""
    from tutor import watching

    session = _current()
    server = session.serving()
    jar = session.jars.cookies(server, user)
    async with watching.bare(server, path, jar):
        print(f"{user} is connected, and then cut off")
        yield


async def incident() -> None:
    """Let a bad morning happen to the exercise's project; print its log."""
    from tutor.exercises import outage

    folder = _current().folder
    log, _ = await asyncio.to_thread(outage.happen, folder)
    (folder / outage.LOG).write_text(log, encoding="utf-8")
    print(outage.tidy(log))


async def cost(crowd: Watchers, readings: int) -> float:
    """Publish readings for a crowd; the seconds of processor the server took."""
    from tutor import watching

    session = _current()
    server = session.serving()
    code = watching.PUBLISH.format(count=readings)
    before = watching.busy(server)
    await asyncio.to_thread(session.project, code)
    await crowd.gets(readings)
    count = f"{readings * len(crowd.members):,}"
    print(f"{len(crowd.members)} clients, {readings} readings: {count} deliveries")
    return watching.busy(server) - before


def url(at: int = 1) -> str:
    """Where a running server's pages are, without a slash at the end."""
    return _current().serving(at).url


def frame(path: str) -> None:
    """Show a page of the running server in a frame below the cell."""
    from tutor import pages

    _show(pages.frame(_current().serving(), path))


async def left() -> None:
    """Wait as long as the running server takes to be rid of a client that left."""
    from tutor import client

    await client.left(_current().serving())


async def waits(path: str, clients: int) -> None:
    """Let some clients ask at once; draw when each is answered."""
    from tutor import client

    _show(await client.waits(_current().serving(), path, clients))


async def raw(path: str) -> None:
    """Try a handshake over a bare connection; print request and answer whole."""
    async with wire(path):
        pass


async def listen_in(code: str) -> None:
    """Run code in a private Jupyter kernel; print what its WebSocket carries."""
    from tutor import prologue

    await prologue.listen_in(code)


async def compare(numbers: int = 100) -> None:
    """Fetch numbers by polling and by WebSocket; count and draw the bytes."""
    from tutor import prologue

    _show(await prologue.compare(numbers))


def way() -> None:
    """Draw how far the last knock came into the application."""
    from tutor import drawing
    from tutor.report import Refusal

    if _last_knock is None:
        raise Refusal("Nobody has knocked yet: run the cell with tutor.knock first.")
    session = _current()
    _show(drawing.draw(session.serving(), session.folder, *_last_knock))


def glossary() -> None:
    """Print every term of the course with the sentence that introduces it."""
    from tutor.terms import text

    print(text(_current().course))


def symptoms(where: str) -> None:
    """Show the known symptoms with their causes, each with its step and its cure.

    Args:
        where: they are seen: in the ``log``, the browser's ``console``, or nowhere
            in words and at the ``client`` only.
    """
    from IPython.display import display

    from tutor.doctor.symptoms import table

    display(table(where))


def _show(picture: Picture) -> None:
    from IPython.display import display

    display(picture)


@asynccontextmanager
async def wire(path: str) -> AsyncIterator[Wire]:
    """Open a WebSocket over a bare connection; its bytes are printed."""
    from tutor import client, frames

    server = _current().serving()
    with client.in_words(f"the bytes of {path}"):
        async with frames.wire(server.url, path, server.url) as opened:
            yield opened


def _register() -> None:
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is None or "step" in shell.magics_manager.magics["line"]:
        return
    from tutor.children import warmed
    from tutor.magics import TutorMagics

    warmed()  # imports Django and the others in the background
    shell.register_magics(TutorMagics(shell, _current()))


_register()
