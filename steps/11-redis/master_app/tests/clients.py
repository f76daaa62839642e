"""Clients for the tests: each talks to the whole application."""

import asyncio
import time
from contextlib import asynccontextmanager

from channels.testing import WebsocketCommunicator

from webapp.asgi import application

SECONDS = 3  # to wait for what should come at once


def client(path, origin='http://localhost'):
    """Somebody at the door."""
    headers = [(b'origin', origin.encode())] if origin else []
    return WebsocketCommunicator(application, path, headers=headers)


@asynccontextmanager
async def connected(path):
    """A client that came in, and leaves when the test is through."""
    guest = client(path)
    accepted, code = await guest.connect(timeout=SECONDS)
    assert accepted, f'{path} refuses with {code}'
    yield guest
    await guest.disconnect(timeout=SECONDS)
    # disconnect() cancels a consumer that stays, and keeps quiet about it.
    assert not guest.future.cancelled(), f'{path}: the consumer stayed'


@asynccontextmanager
async def awake(most=0.5):
    """Fail if the loop stands still for longer meanwhile, in seconds."""
    waits = []

    async def tick():
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            waits.append(time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    yield
    await asyncio.sleep(0.02)  # one more tick, to notice the last handler
    ticking.cancel()
    assert max(waits) < most, 'the loop stood still'
