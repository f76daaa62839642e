"""Pages of the running server: asked for, filled in, and opened in a browser."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

import tutor

if TYPE_CHECKING:
    from tutor.pages import View


def url(at: int = 1) -> str:
    """Where a running server's pages are, without a slash at the end."""
    return tutor._current().serving(at).url


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
    from tutor import client, nginx

    if nginx.left_out(path):
        return
    session = tutor._current()
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
    from tutor import forms, nginx

    if nginx.left_out(path):
        return
    session = tutor._current()
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
    session = tutor._current()
    session.jars.login(session.serving(), user, device, password)


def logout(user: str, device: str = "") -> None:
    """Log out with the button of the page; print what passes."""
    session = tutor._current()
    session.jars.logout(session.serving(), user, device)


def people() -> None:
    """Make the workspace's database, with ada, who is on the staff, and bob."""
    from tutor import visitors

    session = tutor._current()
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
    from tutor import nginx, pages

    if nginx.left_out(path):
        return nullcontext(pages.View(None))
    session = tutor._current()
    server, path = session.site(path, at)
    jar = session.jars.cookies(server, user, device)
    return pages.browse(server, path, name or device or user, jar)


def frame(path: str) -> None:
    """Show a page of the running server in a frame below the cell."""
    from tutor import pages, pictures

    pictures.show(pages.frame(tutor._current().serving(), path))
