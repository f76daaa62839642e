from django.urls import path

from master_app.consumers import PracticeConsumer, ReadingsConsumer

websocket_urlpatterns = [
    path('ws/whole1/', PracticeConsumer.as_asgi()),
    path('ws/readings/', ReadingsConsumer.as_asgi()),
]
