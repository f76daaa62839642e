from django.test import TransactionTestCase

from master_app.tests.clients import SECONDS, awake, client, connected

PATH = '/ws/whole1/'


class Practice(TransactionTestCase):
    """ws/whole1/, through the whole application."""

    async def test_0_comes_first_then_a_number_for_each_message(self):
        async with connected(PATH) as guest:
            self.assertEqual(await guest.receive_from(SECONDS), '0')
            await guest.send_to(text_data='next')
            number = await guest.receive_from(SECONDS)
            self.assertIn(int(number), range(101))
            self.assertTrue(await guest.receive_nothing())

    async def test_nobody_waits_for_another(self):
        async with connected(PATH) as guest, awake():
            await guest.send_to(text_data='next')
            await guest.receive_from(SECONDS)
            await guest.receive_from(SECONDS)

    async def test_strangers_stay_outside(self):
        for origin in (None, 'http://evil.example'):
            with self.subTest(origin=origin):
                guest = client(PATH, origin=origin)
                accepted, _ = await guest.connect(SECONDS)
                self.assertFalse(accepted)
