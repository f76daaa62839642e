"""Handlers by the names that people give them."""

from __future__ import annotations

from tutor.doctor.evidence import Evidence
from tutor.doctor.source import Class


def near_handler(seen: Evidence, owner: Class, wanted: str) -> str | None:
    """A method that was meant to be the handler ``wanted``."""
    known = {"websocket_connect", "websocket_receive", "websocket_disconnect"}
    names = [
        n for one in owner.line_of_ancestors for n in one.methods if n not in known
    ]
    # What has the library's word in its name was hardly meant as a helper.
    names.sort(key=lambda name: not name.startswith("websocket_"))
    short = wanted.partition("_")[2]
    for name in names:
        if name.lower().replace("_", "") in NICKNAMES.get(short, ()):
            return name
    return seen.near(wanted, names, 0.78) or seen.near(short, names, 0.75)


NICKNAMES = {
    "connect": (
        "connect",
        "onconnect",
        "onopen",
        "open",
        "websocketopen",
        "wsconnect",
        "connected",
        "websocketaccept",
        "websocketconnected",
        "handleconnect",
        "onconnected",
    ),
    "receive": (
        "receive",
        "onreceive",
        "onmessage",
        "message",
        "websocketmessage",
        "wsreceive",
        "received",
        "websocketreceived",
        "handlemessage",
        "websocketrecv",
        "receivejson",
        "websocketsend",
        "websocketrecieve",
    ),
    "disconnect": (
        "disconnect",
        "ondisconnect",
        "onclose",
        "close",
        "websocketclose",
        "websocketdisconnected",
        "disconnected",
        "wsdisconnect",
        "handledisconnect",
    ),
}
