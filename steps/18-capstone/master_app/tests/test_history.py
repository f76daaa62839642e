from unittest.mock import patch

from channels.db import database_sync_to_async
from django.db import transaction

from master_app import readings
from master_app.tests.clients import SECONDS, Visitors, awake, connected

PATH = '/ws/readings/'


async def hello(guest, after=0):
    """Say hello; the newest id, and the values that come by themselves."""
    await guest.send_json_to({'type': 'hello', 'after': after})
    welcome = await guest.receive_json_from(SECONDS)
    values = []
    while not await guest.receive_nothing(0.2):
        values.append((await guest.receive_json_from())['value'])
    return welcome['last'], values


class History(Visitors):
    """What is stored, and who is told of it when."""

    async def test_who_was_away_gets_what_was_missed(self):
        await readings.publish(41)
        async with connected(PATH, self.bob) as guest, awake():
            last, values = await hello(guest)
        self.assertEqual(values, [41])
        await readings.publish(42)
        async with connected(PATH, self.bob) as guest, awake():
            _, values = await hello(guest, last)
        self.assertEqual(values[-1], 42)

    async def test_the_seam_loses_nothing_and_doubles_nothing(self):
        since = readings.since

        async def busy(after, known):
            if not known:
                await readings.publish(41)  # in the page, and in the group
            page = await since(after, known)
            if not known:
                await readings.publish(42)  # not in the page
            return page

        async with connected(PATH, self.bob) as guest:
            with patch.object(readings, 'since', busy):
                _, values = await hello(guest)
        self.assertEqual(values, [41, 42])

    async def test_what_is_rolled_back_nobody_hears(self):
        @database_sync_to_async
        def rolled_back():
            with transaction.atomic():
                readings.store(41)
                transaction.set_rollback(True)

        async with connected(PATH, self.bob) as guest:
            await rolled_back()
            await readings.publish(42)
            reading = await guest.receive_json_from(SECONDS)
        self.assertEqual(reading['value'], 42)
