"""Lots and bids, synchronous consumers, rows that a consumer looks up."""

from __future__ import annotations

AUCTION = {
    "house/__init__.py": "",
    "house/asgi.py": """\
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "house.settings")
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402

from lots.live import BidConsumer, FloorConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(
            URLRouter(
                [
                    path("live/floor/", FloorConsumer.as_asgi()),
                    path("live/lot/<int:lot>/", BidConsumer.as_asgi()),
                ]
            )
        ),
    }
)
""",
    "house/settings.py": """\
import pathlib

HERE = pathlib.Path(__file__).parent
SECRET_KEY = "auction"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "lots",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "house.urls"
ASGI_APPLICATION = "house.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HERE.parent / "auction.sqlite3",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/s/"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
""",
    "house/urls.py": """\
from django.urls import path

from lots.pages import floor, hammer, lot

urlpatterns = [
    path("", floor),
    path("lot/<int:pk>/", lot, name="lot"),
    path("lot/<int:pk>/hammer/", hammer, name="hammer"),
]
""",
    "lots/__init__.py": "",
    "lots/channels_.py": """\
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

FLOOR = "floor"


def lot_room(pk):
    return "lot-%d" % pk


def tell(room, kind, **facts):
    async_to_sync(get_channel_layer().group_send)(
        room, {"type": kind, "facts": facts}
    )
""",
    "lots/live.py": """\
from decimal import Decimal, InvalidOperation

from asgiref.sync import async_to_sync
from channels.generic.websocket import JsonWebsocketConsumer
from django.db import transaction

from .channels_ import FLOOR, lot_room, tell
from .models import Bid, Lot


class Base(JsonWebsocketConsumer):
    \"\"\"Answers every bad message instead of closing.\"\"\"

    def receive(self, text_data=None, bytes_data=None, **kwargs):
        try:
            super().receive(text_data or "null", None, **kwargs)
        except ValueError as error:
            self.send_json({"what": "sorry", "why": str(error)})

    def enter(self, room):
        async_to_sync(self.channel_layer.group_add)(room, self.channel_name)

    def leave(self, room):
        async_to_sync(self.channel_layer.group_discard)(room, self.channel_name)


class FloorConsumer(Base):
    def connect(self):
        self.enter(FLOOR)
        self.accept()
        lots = Lot.objects.filter(sold=False)
        self.send_json(
            {
                "what": "lots",
                "lots": [
                    {"pk": lot.pk, "title": lot.title, "price": str(lot.highest())}
                    for lot in lots
                ],
            }
        )

    def disconnect(self, code):
        self.leave(FLOOR)

    def receive_json(self, content, **kwargs):
        raise ValueError("the floor only listens")

    def price_changed(self, event):
        self.send_json({"what": "price", **event["facts"]})

    def lot_sold(self, event):
        self.send_json({"what": "sold", **event["facts"]})


class BidConsumer(Base):
    lot = None

    def connect(self):
        self.lot = Lot.objects.filter(
            pk=self.scope["url_route"]["kwargs"]["lot"]
        ).first()
        if self.lot is None or self.lot.sold:
            self.close()
            return
        self.enter(lot_room(self.lot.pk))
        self.accept()
        self.send_json(
            {"what": "price", "pk": self.lot.pk, "price": str(self.lot.highest())}
        )

    def disconnect(self, code):
        if self.lot is not None:
            self.leave(lot_room(self.lot.pk))

    def receive_json(self, content, **kwargs):
        if not isinstance(content, dict) or content.get("what") != "bid":
            raise ValueError("unknown message")
        try:
            amount = Decimal(str(content.get("amount")))
        except InvalidOperation:
            raise ValueError("no number") from None
        self.bid(str(content.get("bidder") or "somebody")[:40], amount)

    def bid(self, bidder, amount):
        with transaction.atomic():
            if amount <= self.lot.highest():
                raise ValueError("too low")
            Bid.objects.create(lot=self.lot, bidder=bidder, amount=amount)
        facts = {"pk": self.lot.pk, "price": str(amount)}
        tell(lot_room(self.lot.pk), "price.changed", **facts)
        tell(FLOOR, "price.changed", **facts)

    def price_changed(self, event):
        self.send_json({"what": "price", **event["facts"]})

    def lot_sold(self, event):
        self.send_json({"what": "sold", **event["facts"]})
        self.close(code=4200)
""",
    "lots/models.py": """\
from django.db import models
from django.db.models import Max


class Lot(models.Model):
    title = models.CharField(max_length=100)
    start = models.DecimalField(max_digits=9, decimal_places=2, default=1)
    sold = models.BooleanField(default=False)

    def highest(self):
        best = self.bids.aggregate(best=Max("amount"))["best"]
        return best if best is not None else self.start


class Bid(models.Model):
    lot = models.ForeignKey(Lot, related_name="bids", on_delete=models.CASCADE)
    bidder = models.CharField(max_length=40)
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    at = models.DateTimeField(auto_now_add=True)
""",
    "lots/pages.py": """\
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, render

from .channels_ import FLOOR, lot_room, tell
from .models import Lot


def floor(request):
    return render(request, "floor.html")


def lot(request, pk):
    return render(request, "lot.html", {"lot": get_object_or_404(Lot, pk=pk)})


def hammer(request, pk):
    found = get_object_or_404(Lot, pk=pk)
    if request.method == "POST":
        Lot.objects.filter(pk=pk).update(sold=True)
        for room in (FLOOR, lot_room(pk)):
            tell(room, "lot.sold", pk=pk, title=found.title)
    return HttpResponseRedirect("/")
""",
    "lots/static/lots/talk.js": """\
function talk(path, hear) {
  const url = location.origin.replace(/^http/, "ws") + path;
  const ws = new WebSocket(url);
  ws.onmessage = function (event) {
    hear(JSON.parse(event.data));
  };
  return function (message) {
    if (ws.readyState === 1) ws.send(JSON.stringify(message));
  };
}
""",
    "lots/templates/floor.html": """\
{% load static %}<!doctype html><meta charset="utf-8"><title>Floor</title>
<ul id="lots"></ul>
<script src="{% static 'lots/talk.js' %}"></script>
<script>
  const list = document.getElementById("lots");
  const items = {};
  function put(lot) {
    const item = items[lot.pk] || list.appendChild(document.createElement("li"));
    items[lot.pk] = item;
    item.dataset.title = lot.title || item.dataset.title;
    item.textContent = item.dataset.title + ": " + lot.price;
  }
  talk("/live/floor/", function (news) {
    switch (news.what) {
      case "lots": news.lots.forEach(put); break;
      case "price": put(news); break;
      case "sold": items[news.pk].remove(); break;
    }
  });
</script>
""",
    "lots/templates/lot.html": """\
{% load static %}<!doctype html><meta charset="utf-8">
<title>{{ lot.title }}</title>
<output id="price"></output>
<input id="bidder" placeholder="name">
<input id="amount" type="number"><button id="bid">Bid</button>
<p id="sorry"></p>
<form method="post" action="{% url 'hammer' lot.pk %}">
  {% csrf_token %}<button>Sold</button>
</form>
<script src="{% static 'lots/talk.js' %}"></script>
<script>
  const field = (id) => document.getElementById(id);
  const say = talk("/live/lot/{{ lot.pk }}/", (news) => {
    if (news.what === "price") field("price").value = news.price;
    else if (news.what === "sorry") field("sorry").textContent = news.why;
    else if (news.what === "sold")
      field("sorry").textContent = news.title + " is sold";
  });
  field("bid").addEventListener("click", () => {
    const amount = field("amount").value;
    say({ what: "bid", bidder: field("bidder").value, amount });
  });
</script>
""",
    "manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "house.settings")
    execute_from_command_line(sys.argv)
""",
}
