from unittest.mock import AsyncMock

from channels.layers import get_channel_layer

from master_app import fanout, readings
from master_app.tests.clients import SECONDS, Visitors, connected

PATH = '/ws/readings/'


class FanOut(Visitors):
    """One channel listens, and everyone hears."""

    async def test_two_clients_are_one_member_of_the_group(self):
        async with (
            connected(PATH, self.ada) as ada,
            connected(PATH, self.bob) as bob,
        ):
            group = get_channel_layer().groups[readings.GROUP]
            self.assertEqual(len(group), 1)
            await readings.publish(42)
            for guest in (ada, bob):
                reading = await guest.receive_json_from(SECONDS)
                self.assertEqual(reading['value'], 42)
        self.assertEqual(fanout.here, set())

    async def test_one_clients_trouble_is_not_the_others(self):
        async with connected(PATH, self.ada):
            (broken,) = fanout.here
            broken.deliver = AsyncMock(side_effect=ValueError)
            async with connected(PATH, self.bob) as bob:
                with self.assertLogs('master_app.fanout', 'ERROR'):
                    await readings.publish(42)
                    reading = await bob.receive_json_from(SECONDS)
        self.assertEqual(reading['value'], 42)
