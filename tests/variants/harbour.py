"""Mistakes in a harbour's desk, of the kinds that other people's projects have."""

from __future__ import annotations

from shapes import Change

CONSUMERS = "berths/consumers.py"
PAGE = "berths/templates/berths/radio.html"
ASGI = "quay/asgi.py"
_BAND = """f"radio.{int(asked['band'][0])}\""""

_FETCHES = """\
import asyncio
import os

import django
from channels.layers import get_channel_layer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quay.settings")


async def main():
    layer = get_channel_layer()
    await layer.send("probe", {"word": "here"})
    print(await layer.receive("probe"))


if __name__ == "__main__":
    django.setup()
    asyncio.run(main())
"""

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    ("quay", "a-script-fetches-itself", (("layer_check.py", None, _FETCHES),)),
)
WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # every message is written out, and the page reads none of its keys
        "quay",
        "client-reads-another-key",
        PAGE,
        (
            (
                CONSUMERS,
                'text_data=event["said"]',
                'text_data=json.dumps({"line": event["said"]})',
            ),
        ),
    ),
    (  # joined by a name that only an address tells, told with a text before it
        "quay",
        "group-names-differ",
        CONSUMERS,
        (
            (CONSUMERS, _BAND, "asked['band'][0]"),
            (
                CONSUMERS,
                'self.band, {"type": "radio.said"',
                'f"radio.{self.band}", {"type": "radio.said"',
            ),
        ),
    ),
    (  # asked for where our clients do not come
        "quay",
        "auth-stack-missing",
        ASGI,
        (
            (
                CONSUMERS,
                "        async_to_sync(self.channel_layer.group_add)(self.band, "
                "self.channel_name)\n        self.accept()\n\n    def disconnect(self, "
                "code):\n        if",
                '        self.user = self.scope["user"]\n'
                "        async_to_sync(self.channel_layer.group_add)(self.band, "
                "self.channel_name)\n        self.accept()\n\n    def disconnect(self, "
                "code):\n        if",
            ),
        ),
    ),
    (
        "quay",
        "consumer-dict-payload",
        CONSUMERS,
        ((CONSUMERS, 'text_data=event["said"]', "text_data=event"),),
    ),
    (
        "quay",
        "settings-variable-missing",
        "quay/settings.py",
        (
            (
                "quay/settings.py",
                'SECRET_KEY = "quay"',
                'from os import environ\n\nSECRET_KEY = environ["QUAY_KEY"]',
            ),
        ),
    ),
    (  # another event of the same type has the key
        "quay",
        "group-event-without-key",
        CONSUMERS,
        (
            (
                CONSUMERS,
                "await self.channel_layer.group_discard(self.channel, "
                "self.channel_name)",
                'await self.channel_layer.group_send(self.channel, {"type": '
                '"berth.told"})\n        await self.channel_layer.group_discard('
                "self.channel, self.channel_name)",
            ),
        ),
    ),
    (  # close() is meant
        "quay",
        "consumer-never-accepts",
        CONSUMERS,
        (
            (
                CONSUMERS,
                '        self.accept()\n        self.berth_told({"count": 0})',
                "        self.disconnect(4403)",
            ),
        ),
    ),
)
