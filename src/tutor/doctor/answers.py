"""What the clients of a running server saw: statuses, messages, close codes."""

from __future__ import annotations

from dataclasses import dataclass, field

TURNED_AWAY = (301, 302, 401, 403)  # statuses of a page for members


@dataclass
class Client:
    """One client and what it saw.

    Args:
        tag: its name in the server's report.
        path: where it knocked.
        status: the handshake's status; None where no answer came.
        heard: every message.
        closed: the close code, where the server closed the socket.
        quiet: what was being done when the handler did not come back.
        phase: what it had done last, for the report.
        signed: how it has signed in: "session", "token"; empty for a stranger.
    """

    tag: str
    path: str
    origin: str | None
    status: int | None = None
    heard: list[str | bytes] = field(default_factory=list)
    closed: int | None = None
    quiet: str = ""
    phases: list[tuple[str, str]] = field(default_factory=list)
    signed: str = ""

    @property
    def turned_away(self) -> bool:
        """Whether it was refused, by an answer or before it could say anything."""
        if self.status == 101:
            return self.closed is not None and not self.phases
        return self.status is not None and 300 <= self.status < 500


@dataclass
class Answers:
    """What the clients of one server saw.

    Args:
        clients: the strangers.
        members: those who had signed in, where strangers are turned away.
        bare: strangers who came before there were any tables, or a layer that answers.
    """

    clients: list[Client] = field(default_factory=list)
    members: list[Client] = field(default_factory=list)
    bare: list[Client] = field(default_factory=list)
    foreign: dict[str, int | None] = field(default_factory=dict)
    missing: dict[str, int | None] = field(default_factory=dict)
    page: int | None = None
    asked: bool = False

    @property
    def everyone(self) -> list[Client]:
        """Strangers first, then those who had signed in."""
        return [*self.clients, *self.members]
