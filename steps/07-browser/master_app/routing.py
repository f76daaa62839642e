from django.urls import path

from master_app.consumers import PracticeConsumer

websocket_urlpatterns = [
    path('ws/whole1/', PracticeConsumer.as_asgi()),
]
