import json
import time
from collections import deque
from random import randint

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from pydantic import ValidationError

from master_app import fanout, presence, readings, sessions, sockets
from master_app.messages import Ack, Hello, Publish, complaint, incoming

LARGEST = 1000  # bytes in a message
MOST = 20  # messages in a second
PATIENCE = 10  # bad messages in a row
UNREAD = 100  # live readings without an acknowledgement


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


class ReadingsConsumer(sockets.Socket):
    """Typed messages. A bad one is answered, too many are not."""

    async def connect(self):
        """Accept who has logged in, and begin to count."""
        self.times = deque(maxlen=MOST + 1)
        self.bad = 0  # in a row
        self.known = set()  # ids that were sent since the last hello
        self.owed = deque()  # live readings, until acknowledged
        self.again = 0  # old readings that were sent
        self.later = deque()  # what is live waits here until we are ready
        self.joined = []
        if not self.scope['user'].is_authenticated:
            await self.close()  # before accept: the handshake gets a 403
            return
        if sockets.here[self.user] > settings.SOCKETS_PER_USER:
            await self.accept()  # or the page could not read the code
            await self.close(sockets.TOO_MANY)
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
            await self.pass_on(text)

    async def disconnect(self, code):
        """Leave the groups; nobody else does it for us."""
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def deliver(self, reading_id, text):
        """Pass on a live reading, and forget old ids."""
        if self.code:
            return
        if self.later is not None:
            self.later.append((reading_id, text))
            if len(self.later) > readings.MOST:
                await self.close(sockets.BEHIND)
            return
        if reading_id not in self.known:
            self.owed.append(reading_id)
            self.known.add(reading_id)
            await self.pass_on(text)
        if len(self.owed) > UNREAD:
            await self.close(sockets.BEHIND)
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
            self.again += len(missed)
            if self.again > 10 * readings.MOST:
                await self.close(sockets.BEHIND)
            if self.code:
                return
        await self.go_live()

    async def session_ended(self, event):
        """Whoever opened this socket has logged out."""
        await self.close(sessions.ENDED)

    async def session_look(self, event):
        """Something about the user has changed. Is all still well?"""
        await sessions.look([self])

    async def goes_too_far(self, event):
        """Keep the limits before anything is read."""
        size = len(event.get('bytes') or (event.get('text') or '').encode())
        now = time.monotonic()
        self.times.append(now)
        if len(self.times) > MOST and now - self.times[0] < 1:
            await self.close(4429)
        elif size > LARGEST:
            await self.close(4413)
        return self.code is not None

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
            case Ack(id=number) if number in self.owed:
                while self.owed.popleft() != number:
                    pass
                self.times.pop()  # it was due, so it does not count
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
