"""What Daphne runs: pages go to Django, sockets to the routes."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import (
    ChannelNameRouter,
    ProtocolTypeRouter,
    URLRouter,
)
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'webapp.settings')

# This sets Django up. What imports models must be imported after it.
django_asgi_app = get_asgi_application()

from counter import routing as counter  # noqa: E402
from master_app.jobs import MEASURE  # noqa: E402
from master_app.routing import websocket_urlpatterns  # noqa: E402
from master_app.workers import MeasureConsumer  # noqa: E402

application = ProtocolTypeRouter({
    'http': django_asgi_app,
    'websocket': OriginValidator(
        AuthMiddlewareStack(URLRouter([
            *websocket_urlpatterns, *counter.websocket_urlpatterns,
        ])),
        settings.ALLOWED_ORIGINS or settings.ALLOWED_HOSTS,
    ),
    'channel': ChannelNameRouter({MEASURE: MeasureConsumer.as_asgi()}),
})
