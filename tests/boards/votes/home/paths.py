from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from poll.views import cast, show

urlpatterns = [
    path("town/", show),
    path("town/cast", cast),
    path("accounts/login/", LoginView.as_view()),
    path("bye", LogoutView.as_view(next_page="/town/")),
]
