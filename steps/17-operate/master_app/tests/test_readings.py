import json

from master_app.consumers import LARGEST, MOST, PATIENCE
from master_app.tests.clients import SECONDS, Visitors, awake, connected

PATH = '/ws/readings/'
HELLO = {'type': 'hello', 'after': 0}


async def ask(guest, message):
    """Send a message; its answer."""
    await guest.send_json_to(message)
    return await guest.receive_json_from(SECONDS)


class Readings(Visitors):
    """ws/readings/, message by message."""

    async def test_hello_is_welcomed(self):
        async with connected(PATH, self.ada) as guest, awake():
            answer = await ask(guest, {'type': 'hello', 'after': 0})
            self.assertEqual(answer['type'], 'welcome')

    async def test_publish_makes_a_reading_with_a_new_id(self):
        async with connected(PATH, self.ada) as guest, awake():
            first = await ask(guest, {'type': 'publish', 'value': 42})
            self.assertEqual((first['type'], first['value']), ('reading', 42))
            second = await ask(guest, {'type': 'publish', 'value': 0})
            self.assertEqual(second['value'], 0)
            self.assertGreater(second['id'], first['id'])

    async def test_a_bad_message_is_answered_and_the_socket_stays(self):
        bad = {
            'json': 'nonsense',
            'object': '[1]',
            'type': '{"type": "nobody"}',
            'field': '{"type": "publish", "value": 101}',
        }
        async with connected(PATH, self.ada) as guest, awake():
            for code, text in bad.items():
                with self.subTest(text=text):
                    await guest.send_to(text_data=text)
                    answer = await guest.receive_json_from(SECONDS)
                    self.assertEqual(answer['type'], 'error')
                    self.assertEqual(answer['code'], code)
            self.assertEqual((await ask(guest, HELLO))['type'], 'welcome')

    async def test_who_goes_too_far_is_closed(self):
        for code, text, times in (
            (4400, '{}', PATIENCE),
            (4413, LARGEST * 'x' + 'x', 1),
            (4429, json.dumps(HELLO), MOST + 1),
        ):
            with self.subTest(code=code):
                async with connected(PATH, self.ada) as guest, awake():
                    for _ in range(times):
                        await guest.send_to(text_data=text)
                    event = await guest.receive_output(SECONDS)
                    while event['type'] == 'websocket.send':
                        event = await guest.receive_output(SECONDS)
                    self.assertEqual(event['code'], code)
