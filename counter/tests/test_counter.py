from channels.db import database_sync_to_async

from counter import calls
from counter.consumers import UNSEEN
from master_app.tests.clients import SECONDS, Visitors, connected

PATH = '/ws/counter/'
call = database_sync_to_async(calls.make)


async def hears(guest, kind):
    """The next message of a kind."""
    while True:
        message = await guest.receive_json_from(SECONDS)
        if message['type'] == kind:
            return message


class Counter(Visitors):
    """ws/counter/, from both sides of the desk."""

    async def test_a_call_reaches_every_screen(self):
        async with (
            connected(PATH, self.ada) as ada,
            connected(PATH, self.bob) as bob,
        ):
            await ada.send_json_to({'type': 'next', 'desk': 2})
            for guest in (ada, bob):
                told = await hears(guest, 'call')
                self.assertEqual(told['call']['desk'], 2)

    async def test_only_staff_may_call(self):
        async with connected(PATH, self.bob) as bob:
            await bob.send_json_to({'type': 'next', 'desk': 2})
            self.assertEqual((await hears(bob, 'no'))['why'], 'Staff only.')

    async def test_what_is_no_message_is_answered(self):
        async with connected(PATH, self.ada) as ada:
            for text in ('nonsense', '{}', '{"type": "next", "desk": 9}'):
                await ada.send_to(text_data=text)
                await hears(ada, 'no')

    async def test_who_comes_back_gets_what_was_missed(self):
        made = [await call(1) for _ in range(3)]
        async with connected(PATH, self.bob) as bob:
            await bob.send_json_to({'type': 'since', 'call': made[0].pk})
            ids = {(await hears(bob, 'call'))['call']['id'] for _ in made}
            self.assertLessEqual({made[1].pk, made[2].pk}, ids)

    async def test_who_sees_nothing_must_go(self):
        async with connected(PATH, self.bob) as bob:
            for _ in range(UNSEEN + 1):
                await call(3)
            event = await bob.receive_output(SECONDS)
            while event['type'] == 'websocket.send':
                event = await bob.receive_output(SECONDS)
            self.assertEqual(event['code'], 4408)

    async def test_tickets_go_round(self):
        self.assertEqual(calls.Call(pk=1).ticket, 'A01')
        self.assertEqual(calls.Call(pk=4 * 99 + 1).ticket, 'A01')
