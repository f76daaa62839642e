"""Clients for the tests: each talks to the whole application."""

import asyncio
import time
from contextlib import asynccontextmanager

from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import AsyncClient, TransactionTestCase

from webapp.asgi import application

SECONDS = 3  # to wait for what should come at once


class Visitors(TransactionTestCase):
    """Tests with two people who have logged in. Ada is on the staff."""

    def setUp(self):
        self.ada = logged_in('ada', is_staff=True)
        self.bob = logged_in('bob')


def logged_in(name, **fields):
    """Django's client for tests, with the cookies of a new user."""
    visitor = AsyncClient()
    visitor.user = get_user_model().objects.create_user(name, **fields)
    visitor.force_login(visitor.user)
    return visitor


def client(path, visitor=None, origin='http://localhost'):
    """Somebody at the door, with the cookies of a visitor."""
    headers = [(b'origin', origin.encode())] if origin else []
    if visitor:
        cookies = visitor.cookies.output(attrs=[], header='', sep=';')
        headers.append((b'cookie', cookies.encode()))
    return WebsocketCommunicator(application, path, headers=headers)


@asynccontextmanager
async def connected(path, visitor=None):
    """A client that came in, and leaves when the test is through."""
    guest = client(path, visitor)
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
