from contextlib import suppress

from autobahn.exception import Disconnected
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from pydantic import ValidationError

from counter import calls, pulse
from counter.messages import Next, Seen, Since, incoming
from master_app import sessions

UNSEEN = 100  # calls that a screen may owe us
BEHIND = 4408


class CounterConsumer(AsyncJsonWebsocketConsumer):
    """A screen in the hall, or the one on somebody's desk."""

    async def connect(self):
        """Accept who has logged in."""
        self.unseen = 0
        self.joined = []
        if not self.scope['user'].is_authenticated:
            await self.close()
            return
        self.joined = [calls.GROUP, *sessions.groups(self.scope)]
        for group in self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        pulse.enter(self)
        sessions.enter(self)

    async def __call__(self, scope, receive, send):
        """Whatever ends this socket, nobody is here afterwards."""
        try:
            return await super().__call__(scope, receive, send)
        finally:
            pulse.here.discard(self)
            sessions.here.discard(self)

    async def disconnect(self, code):
        """Leave the groups."""
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def send_json(self, content, close=False):
        """Send, unless the screen has gone meanwhile."""
        with suppress(Disconnected):
            await super().send_json(content, close)

    async def close(self, code=None, reason=None):
        """Close, unless it is closed."""
        with suppress(Disconnected):
            await super().close(code, reason)

    async def counter_call(self, event):
        """Show a call. Who has not seen the last hundred must go."""
        self.unseen += 1
        if self.unseen > UNSEEN:
            await self.close(BEHIND)
        else:
            await self.send_json(event['message'])

    async def session_ended(self, event):
        """Whoever opened this socket has logged out."""
        await self.close(sessions.ENDED)

    async def session_look(self, event):
        """Something about the user has changed. Is all still well?"""
        await sessions.look([self])

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """Do what a message asks for; say why not."""
        try:
            message = incoming.validate_json(text_data or '')
        except ValidationError as error:
            why = error.errors()[0]['msg']
            await self.send_json({'type': 'no', 'why': why})
            return
        match message:
            case Since(call=known):
                for call in await calls.since(known):
                    await self.send_json(call)
            case Seen():
                self.unseen = 0
            case Next(desk=desk) if self.scope['user'].is_staff:
                await database_sync_to_async(calls.make)(desk)
            case Next():
                await self.send_json({'type': 'no', 'why': 'Staff only.'})
