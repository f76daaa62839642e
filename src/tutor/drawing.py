"""How far a knock came: the application's layers, walked from the outside in.

The layers are those of the running project, asked in a child process; where the
knock ended follows from the answer that it got and from the server's log.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tutor import children
from tutor.pictures import Picture, path
from tutor.report import Refusal
from tutor.servers import Server

# ASGI applications name what they wrap differently: a middleware `inner`, the
# origin check `application`; https://channels.readthedocs.io/en/stable/topics/routing.html
_WALK = """
import importlib, json, re
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from channels.sessions import CookieMiddleware, SessionMiddleware
from channels.auth import AuthMiddleware

def layers(app):
    if isinstance(app, ProtocolTypeRouter):
        return ["ProtocolTypeRouter"] + layers(app.application_mapping.get("websocket"))
    if isinstance(app, OriginValidator):
        return ["origin check"] + layers(app.application)
    if isinstance(app, (CookieMiddleware, SessionMiddleware)):
        return layers(app.inner)
    if isinstance(app, AuthMiddleware):
        return ["auth"] + layers(app.inner)
    if isinstance(app, URLRouter):
        for route in app.routes:
            if route.pattern.match(PATH.lstrip("/")):
                inner = route.callback
                return ["URLRouter", getattr(inner, "consumer_class", inner).__name__]
        return ["URLRouter"]
    return ["Django"] if app is not None else []

module, _, name = APP.partition(":")
print(json.dumps(layers(getattr(importlib.import_module(module), name))))
"""


def draw(server: Server, folder: Path, knocked: str, answer: str) -> Picture:
    """Draw the way of the last knock.

    Args:
        server: the server that answered.
        folder: the project it serves.
        knocked: the path.
        answer: such as ``403 Forbidden``.
    """
    log = server.log()
    stations = ["Django's pages"] if "WSGI" in log else _layers(server, folder, knocked)
    first = "runserver" if "runserver" in server.shown else "Daphne"
    stations = ["client", first, *stations]
    status = answer.split()[0]
    stop = stations.index("origin check") if status == "403" else len(stations) - 1
    said = (
        re.findall(r"Exception inside application: (.*)", log)
        if status == "500"
        else []
    )
    return path(
        f"The way of the knock on {knocked}",
        stations,
        stop,
        said[-1] if said else answer,
    )


def _layers(server: Server, folder: Path, knocked: str) -> list[str]:
    named = re.search(r"\S+:\S+", server.shown)
    app = named[0] if named else "webapp.asgi:application"
    code = f"PATH, APP = {knocked!r}, {app!r}\n{_WALK}"
    done = children.run_inside(code, folder, 20)
    if done.code:
        raise Refusal(f"The application can't be walked:\n{done.out[-800:]}")
    return list(json.loads(done.out.strip().splitlines()[-1]))
