import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "home.conf")
pages = get_asgi_application()

from django.conf import settings  # noqa: E402

from poll.wire import Wire  # noqa: E402

sockets = URLRouter([re_path(r"^live/(?P<room>\w+)$", Wire.as_asgi())])
door = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": OriginValidator(AuthMiddlewareStack(sockets), settings.PAGES),
    }
)
