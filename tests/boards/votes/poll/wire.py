"""A consumer without any of Channels' generic classes, and without signals."""

import asyncio
import json

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from django.contrib.sessions.models import Session

from poll.models import Vote

MOST = 30  # votes that wait for a confirmation; who owes more gets no more


class Wire(AsyncConsumer):
    async def websocket_connect(self, event):
        self.owed, self.asking = 0, None
        if self.scope["user"].is_anonymous:
            await self.send({"type": "websocket.close"})
            return
        await self.channel_layer.group_add("votes", self.channel_name)
        await self.send({"type": "websocket.accept"})
        self.asking = asyncio.create_task(self.ask())

    async def ask(self):
        """Ask every two seconds whether the session is still there."""
        key = self.scope["session"].session_key
        while await Session.objects.filter(pk=key).aexists():
            await asyncio.sleep(2)
        await self.send({"type": "websocket.close", "code": 4000})

    async def websocket_receive(self, event):
        message = json.loads(event["text"])
        if message["op"] == "got":
            self.owed = 0
        else:
            for vote in await self.after(int(message["mark"][1:])):
                await self.tell(vote.pk, vote.choice)

    @database_sync_to_async
    def after(self, mark):
        return list(Vote.objects.filter(pk__gt=mark).order_by("pk"))

    async def vote_cast(self, event):
        self.owed += 1
        if self.owed <= MOST:
            await self.tell(event["mark"], event["choice"])

    async def tell(self, mark, choice):
        what = {"op": "vote", "data": [], "vote": {"mark": f"m{mark}", "is": choice}}
        await self.send({"type": "websocket.send", "text": json.dumps(what)})

    async def websocket_disconnect(self, event):
        if self.asking:
            self.asking.cancel()
        await self.channel_layer.group_discard("votes", self.channel_name)
        raise StopConsumer
