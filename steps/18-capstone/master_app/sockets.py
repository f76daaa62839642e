"""A socket from its first moment to its last: what all of ours share."""

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress

from autobahn.exception import Disconnected
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from master_app import leaving, metrics

BEHIND = 4408  # it does not read, or not fast enough
TOO_MANY = 4409  # sockets of one user
# What servers raise when nobody is there: Daphne the first, others the rest.
GONE = (Disconnected, OSError, RuntimeError)
here = Counter()  # the sockets of this process, by user
logger = logging.getLogger(__name__)


class Socket(AsyncJsonWebsocketConsumer):
    """Looks at each message at once, and says how it ended."""

    code = None  # the close code, once there is one
    inside = False  # whether the handshake is through

    async def __call__(self, scope, receive, send):
        """Count a socket while it is here, whatever ends it."""
        inbox, began = asyncio.Queue(), time.monotonic()
        self.user = scope['user'].pk
        here[self.user] += 1
        metrics.OPEN.inc()
        leaving.enter(self)
        reading = asyncio.create_task(self.read(receive, inbox))
        try:
            return await super().__call__(scope, inbox.get, send)
        finally:
            reading.cancel()
            leaving.everyone.discard(self)
            here[self.user] -= 1
            if not here[self.user]:
                del here[self.user]
            self.code = self.code or 1011  # else the application raised
            metrics.OPEN.dec()
            metrics.CLOSED.labels(self.code).inc()
            seconds = round(time.monotonic() - began, 1)
            self.log('closed', code=self.code, seconds=seconds)

    def log(self, what, **facts):
        """Note who did what, by the user's id; a session's key is secret."""
        logger.info(what, extra={'facts': {'user': self.user, **facts}})

    async def read(self, receive, inbox):
        """Look at what comes, even while a handler waits."""
        message = {'type': None}
        while message['type'] != 'websocket.disconnect':
            message = await receive()
            if message['type'] == 'websocket.receive':
                metrics.IN.inc()
                if self.code or await self.goes_too_far(message):
                    while not inbox.empty():
                        inbox.get_nowait()
                    continue  # nobody is answered any more
            inbox.put_nowait(message)

    async def goes_too_far(self, event):
        """Whether a message breaks a limit. If so, this socket is closed."""
        return False

    async def accept(self, *args, **kwargs):
        """Let somebody in."""
        await super().accept(*args, **kwargs)
        self.inside = True
        self.log('opened', sockets=here[self.user])

    async def say(self, text):
        """Send a text, unless the client has left meanwhile."""
        metrics.OUT.inc()
        with suppress(*GONE):
            await self.base_send({'type': 'websocket.send', 'text': text})

    async def pass_on(self, text):
        """Send, but never wait: others come after this one."""
        metrics.OUT.inc()
        sending = self.base_send({'type': 'websocket.send', 'text': text})
        with suppress(StopIteration, *GONE):
            sending.send(None)  # as far as it goes at once
            sending.close()  # it waits for a client that does not read
            self.leaving = asyncio.create_task(self.close(BEHIND))

    async def send_json(self, content, close=False):
        """Send an object as text."""
        await self.say(await self.encode_json(content))

    async def close(self, code=None, reason=None):
        """Close. What comes afterwards is not read."""
        self.code = self.code or code or (1000 if self.inside else 403)
        with suppress(*GONE):
            await super().close(code, reason)

    async def websocket_disconnect(self, message):
        """Remember which code the client gave, if it closed first."""
        self.code = self.code or message['code']
        await super().websocket_disconnect(message)
