import json
import time
from collections import deque
from contextlib import suppress
from random import randint

from autobahn.exception import Disconnected
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from pydantic import ValidationError

from master_app import fanout, presence, readings, sessions
from master_app.messages import Hello, Publish, complaint, incoming

LARGEST = 1000  # bytes in a message
MOST = 20  # messages in a second
PATIENCE = 10  # bad messages in a row


class PracticeConsumer(AsyncConsumer):
    """Sends 0 on connect, then a random number for each message."""

    async def websocket_connect(self, event):
        """Accept the handshake and send the first number."""
        await self.send({'type': 'websocket.accept'})
        await self.send({'type': 'websocket.send', 'text': '0'})

    async def websocket_receive(self, event):
        """Answer every message, text or binary, with a number."""
        number = randint(0, 100)
        await self.send({'type': 'websocket.send', 'text': str(number)})

    async def websocket_disconnect(self, event):
        """Tell Channels that this consumer is done."""
        raise StopConsumer


class ReadingsConsumer(AsyncJsonWebsocketConsumer):
    """Typed messages. A bad one is answered, too many are not."""

    async def connect(self):
        """Accept who has logged in, and begin to count."""
        self.times = deque(maxlen=MOST + 1)
        self.bad = 0  # in a row
        self.known = set()  # ids that were sent since the last hello
        self.closing = False
        self.later = deque()  # what is live waits here until we are ready
        self.joined = []
        if not self.scope['user'].is_authenticated:
            await self.close()  # before accept: the handshake gets a 403
            return
        self.joined = sessions.groups(self.scope)
        for group in self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await fanout.enter(self)
        await self.accept()
        presence.enter(self)
        sessions.enter(self)
        await self.go_live()

    async def __call__(self, scope, receive, send):
        """Whatever ends this socket, nobody is here afterwards."""
        try:
            return await super().__call__(scope, receive, send)
        finally:
            presence.here.discard(self)
            sessions.here.discard(self)
            await fanout.leave(self)

    async def heartbeat(self, text):
        """Tell the client that it hears us, once it is live."""
        if self.later is None:
            await self.say(text)

    async def disconnect(self, code):
        """Leave the groups; nobody else does it for us."""
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def send_json(self, content, close=False):
        """Send, unless the client has left meanwhile."""
        with suppress(Disconnected):
            await super().send_json(content, close)

    async def deliver(self, reading_id, text):
        """Pass on a live reading, and forget old ids."""
        if self.later is not None:
            self.later.append((reading_id, text))
            return
        await self.give(reading_id, text)
        if len(self.known) > 2 * readings.OVERLAP:
            oldest = reading_id - readings.OVERLAP
            self.known = {one for one in self.known if one > oldest}

    async def go_live(self):
        """Pass on what has waited; from now on nothing waits."""
        while self.later:
            await self.give(*self.later.popleft())
        self.later = None

    async def give(self, reading_id, text):
        """Send a reading, once."""
        if reading_id not in self.known:
            self.known.add(reading_id)
            await self.say(text)

    async def say(self, text):
        """Send a text, unless the client has left meanwhile."""
        with suppress(Disconnected):
            await self.base_send({'type': 'websocket.send', 'text': text})

    async def catch_up(self, after):
        """Send what was missed, until nothing more is found."""
        self.known.clear()
        self.later = deque()
        last = await readings.newest()
        await self.send_json({'type': 'welcome', 'last': last})
        after = max(after, last - readings.MOST)
        while missed := await readings.since(after, self.known):
            for reading in missed:
                await self.give(reading['id'], json.dumps(reading))
            after = max(after, missed[-1]['id'])
        await self.go_live()

    async def close(self, code=None, reason=None):
        """Close, and read no more: an answer would find no socket."""
        self.closing = True
        with suppress(Disconnected):
            await super().close(code, reason)

    async def session_ended(self, event):
        """Whoever opened this socket has logged out."""
        await self.close(sessions.ENDED)

    async def session_look(self, event):
        """Something about the user has changed. Is all still well?"""
        await sessions.look([self])

    async def websocket_receive(self, event):
        """Keep the limits before anything is read."""
        if self.closing:
            return  # it was on its way when we closed
        size = len(event.get('bytes') or (event.get('text') or '').encode())
        now = time.monotonic()
        self.times.append(now)
        if len(self.times) > MOST and now - self.times[0] < 1:
            await self.close(4429)
        elif size > LARGEST:
            await self.close(4413)
        else:
            await super().websocket_receive(event)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """Answer what is none of our messages; hand on the others."""
        if text_data is None:
            await self.complain('binary', 'Send text.')
            return
        try:
            message = await self.decode_json(text_data)
        except ValidationError as error:
            await self.complain(*complaint(error))
        else:
            self.bad = 0
            await self.receive_json(message)

    @classmethod
    async def decode_json(cls, text_data):
        """Make one of our messages of a text."""
        return incoming.validate_json(text_data)

    async def receive_json(self, message):
        """Do what a message asks for."""
        match message:
            case Hello(after=after):
                await self.catch_up(after)
            case Publish() if not readings.may_publish(self.scope['user']):
                await self.complain('forbidden', 'Only staff may publish.')
            case Publish(value=value):
                await readings.publish(value)

    async def complain(self, code, text):
        """Answer a bad message; too many in a row end the socket."""
        await self.send_json({'type': 'error', 'code': code, 'text': text})
        self.bad += 1
        if self.bad == PATIENCE:
            await self.close(4400)
