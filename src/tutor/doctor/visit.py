"""What one page came to in a browser, as the browser's own protocol tells it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession

TOKEN = "tutor77"  # what is typed
Said = Mapping[str, Any]
Frames = Sequence[Said]


@dataclass
class Socket:
    """A socket that a page has opened.

    Args:
        url: where.
        frames: the frames of the script that did so, innermost first.
        status: the answer to its handshake; 0 where none came.
    """

    url: str
    frames: Frames
    status: int = 0
    sent: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)


@dataclass
class Asked:
    """A request of a page's script."""

    url: str
    method: str
    body: str
    frames: Frames
    status: int = 0


@dataclass
class Visit:
    """What came of one page.

    Args:
        path: the page's.
        text: the page as it was served.
        errors: what its scripts ended with: the text, and the frames.
        is_whole: whether the page had all that it asked for from elsewhere.
        loaded: the paths of the scripts that it loads.
        before: the text that it showed before anybody did anything.
        shown: the same at the end.
        html: all that the page is at the end.
        held: what its fields hold then.
        html_before: all that it was before.
        status: the answer to it.
        typed: the ids of the fields of text that were typed into.
        early: what its sockets heard before.
        entered: what was sent when a text was typed and Enter pressed.
        is_dead: whether no button did anything.
        has_left: whether a button led to another page.
    """

    path: str
    text: str = ""
    errors: list[tuple[str, Frames]] = field(default_factory=list)
    sockets: dict[str, Socket] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    is_whole: bool = True
    loaded: list[str] = field(default_factory=list)
    before: str = ""
    shown: str = ""
    html: str = ""
    held: str = ""
    html_before: str = ""
    status: int = 0
    typed: list[str] = field(default_factory=list)
    early: set[str] = field(default_factory=set)
    entered: list[str] = field(default_factory=list)
    is_dead: bool = False
    has_left: bool = False
    news: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether one of its sockets is, or was."""
        return any(one.status == 101 for one in self.sockets.values())

    @property
    def left(self) -> list[str]:
        """All that has left the page, by a socket or a request."""
        asked = [f"{one.url} {one.body}" for one in self.asked.values()]
        return [*asked, *(text for one in self.sockets.values() for text in one.sent)]

    def listen(self, session: CDPSession, host: str) -> None:
        """Note what the browser tells of this page."""

        def note(kind: str, told: Any) -> None:
            def heard(event: Said) -> None:
                self.news = time.monotonic()
                told(event)

            session.on(kind, heard)

        note("Runtime.exceptionThrown", self._threw)
        note("Network.webSocketCreated", self._opened)
        note("Network.webSocketHandshakeResponseReceived", self._answered)
        note("Network.webSocketFrameSent", self._sent)
        note("Network.webSocketFrameReceived", self._heard)
        note("Network.requestWillBeSent", lambda event: self._asks(event, host))
        note("Network.responseReceived", self._got)
        session.send("Runtime.enable")
        session.send("Network.enable")

    def _threw(self, event: Said) -> None:
        told = event["exceptionDetails"]
        text = told.get("exception", {}).get("description") or told["text"]
        frames = told.get("stackTrace", {}).get("callFrames") or [told]
        self.errors.append((text.split("\n    at ")[0], frames))

    def _opened(self, event: Said) -> None:
        self.sockets[event["requestId"]] = Socket(event["url"], _frames(event))

    def _answered(self, event: Said) -> None:
        self.sockets[event["requestId"]].status = event["response"]["status"]

    def _sent(self, event: Said) -> None:
        self.sockets[event["requestId"]].sent.append(event["response"]["payloadData"])

    def _heard(self, event: Said) -> None:
        self.sockets[event["requestId"]].heard.append(event["response"]["payloadData"])

    def _asks(self, event: Said, host: str) -> None:
        asked = event["request"]
        if urlsplit(asked["url"]).scheme not in ("http", "https"):
            return
        if urlsplit(asked["url"]).netloc != host:
            self.is_whole = False
        elif event.get("type") == "Script":
            self.loaded.append(unquote(urlsplit(asked["url"]).path))
        elif event.get("type") in ("Fetch", "XHR"):
            self.asked[event["requestId"]] = Asked(
                *(asked["url"], asked["method"], asked.get("postData", "")),
                frames=_frames(event),
            )

    def _got(self, event: Said) -> None:
        if event["requestId"] in self.asked:
            self.asked[event["requestId"]].status = event["response"]["status"]


def _frames(event: Said) -> Frames:
    stack: Mapping[str, Any] | None = event.get("initiator", {}).get("stack")
    found: list[Said] = []
    while stack:
        found += stack["callFrames"]
        stack = stack.get("parent")
    return found
