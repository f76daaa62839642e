from channels.layers import get_channel_layer

from master_app.tests.clients import SECONDS, Visitors, connected

PATH = '/ws/readings/'


class Broadcast(Visitors):
    """What one publishes, everyone hears."""

    async def test_a_form_reaches_everyone(self):
        async with (
            connected(PATH, self.ada) as ada,
            connected(PATH, self.bob) as bob,
        ):
            answer = await self.ada.post('/publish/', {'value': 42})
            self.assertEqual(answer.status_code, 204)
            for guest in (ada, bob):
                reading = await guest.receive_json_from(SECONDS)
                self.assertEqual(reading['value'], 42)

    async def test_who_leaves_leaves_the_group(self):
        async with connected(PATH, self.ada):
            self.assertIn('readings', get_channel_layer().groups)
        self.assertEqual(get_channel_layer().groups, {})
