"""Pages' and layers' mistakes on projects that look unlike ours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tutor import doctor

sys.path.insert(0, str(Path(__file__).parent / "variants"))
import shapes

DASHBOARD = "machines/templates/machines/dashboard.html"
ROOM = "chat/templates/chat/room.html"
COMMAND = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def handle(self, **options):
        send = async_to_sync(get_channel_layer().group_send)
        send("chat_lobby", {"type": "chat.message", "message": "hi"})
"""
# The mistake, the shape, where it is, and what is changed.
WRONG: dict[str, tuple[str, tuple[str, int], list[shapes.Change]]] = {
    "client-send-object": (
        "chat",
        (ROOM, 26),
        [
            (
                ROOM,
                "JSON.stringify({'message': messageInputDom.value})",
                "{'message': messageInputDom.value}",
            )
        ],
    ),
    "client-template-variable-unquoted": (
        "chat",
        (ROOM, 8),
        [
            (
                ROOM,
                "JSON.parse(document.getElementById('room-name').textContent)",
                "{{ room_name }}",
            )
        ],
    ),
    "client-message-into-innerhtml": (
        "chat",
        (ROOM, 17),
        [(ROOM, ".value += (data.message + '\\n')", ".innerHTML += data.message")],
    ),
    "client-send-before-open": (
        "dash",
        ("apps/metrics/static/metrics/socket.js", 6),
        [
            (
                "apps/metrics/static/metrics/socket.js",
                "return socket;",
                "socket.send('hello');\n  return socket;",
            )
        ],
    ),
    "client-subprotocol-not-answered": (
        "lab",
        ("stream/static/stream/main.js", 2),
        [("stream/static/stream/main.js", "WebSocket(url)", "WebSocket(url, ['a'])")],
    ),
    "client-template-not-found": (
        "hub",
        ("config/settings/base.py", 40),
        [("config/settings/base.py", '"DIRS": [BASE_DIR / "templates"]', '"DIRS": []')],
    ),
    "client-template-variable-not-given": (
        "laundry",
        (DASHBOARD, 2),
        [(DASHBOARD, "<!DOCTYPE html>", "{% for one in object_list %}{% endfor %}")],
    ),
    "db-field-unknown": (
        "hearth",
        ("household/templates/household/home.html", 6),
        [("household/templates/household/home.html", "list.title", "list.name")],
    ),
    "layer-inmemory-from-another-process": (
        "chat",
        ("mysite/settings.py", 48),
        [("chat/management/commands/shout.py", None, COMMAND)],
    ),
}


@pytest.mark.parametrize("slug", WRONG)
def test_a_mistake_is_named_first(slug: str, tmp_path: Path) -> None:
    shape, (file, line), changes = WRONG[slug]
    found = doctor.diagnose(shapes.write(shape, changes, tmp_path / shape)).findings
    assert [(one.slug, one.file, one.line) for one in found[:1]] == [(slug, file, line)]
