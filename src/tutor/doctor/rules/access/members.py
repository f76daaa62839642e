"""Crashes that have to do with who we are: a user, and a database, that we made."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tutor.doctor.child import Event

# What is not there because our user is new, or the database another than they have.
_OURS = {
    *("ObjectDoesNotExist", "MultipleObjectsReturned", "ValidationError", "Http404"),
    *("PermissionDenied", "ImproperlyConfigured", "DoesNotExist"),
}
# What is not there because the project's other servers do not run here.
_AWAY = {
    *("ConnectionError", "TimeoutError", "gaierror", "HTTPError", "ConnectError"),
    *("RequestException", "ClientError", "BrokerError", "OSError"),
}
_LAYER = r"attribute '(group_\w+|send|receive|new_channel)'"


def is_ours(links: Sequence[Event], told: str) -> bool:
    """Whether an exception says more about our client than about the project.

    Args:
        links: the exception and its causes, outermost first.
        told: the type of the last message the application was given.
    """
    root = links[-1]
    for link in links:
        bases = set(link["bases"])
        if bases & (_OURS | _AWAY) and "pydantic" not in link["module"]:
            return True
        if link["module"].startswith(("django.db.utils", "sqlite3")):
            return True
    if re.search(r"'NoneType' object", root["text"]):
        # A row that is not there; a layer that is not there is the project's own.
        return not re.search(_LAYER, root["text"])
    # A path with a word of ours in it, read as something else.
    return told == "websocket.connect" and "ValueError" in root["bases"]
