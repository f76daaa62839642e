from unittest.mock import patch

from django.contrib.sessions.models import Session

from master_app import sessions
from master_app.tests.clients import SECONDS, Visitors, client, connected

PATH = '/ws/readings/'


class Sessions(Visitors):
    """Who comes in, who may publish, and when it is over."""

    async def test_without_a_login_nobody_comes_in(self):
        accepted, _ = await client(PATH).connect(SECONDS)
        self.assertFalse(accepted)
        answer = await self.async_client.get('/')
        self.assertEqual(answer.url, '/accounts/login/?next=/')

    async def test_only_staff_may_publish(self):
        async with connected(PATH, self.bob) as guest:
            await guest.send_json_to({'type': 'publish', 'value': 42})
            answer = await guest.receive_json_from(SECONDS)
            self.assertEqual(answer['code'], 'forbidden')
        answer = await self.bob.post('/publish/', {'value': 42})
        self.assertEqual(answer.status_code, 403)

    async def closes(self, guest):
        """Wait for the end of a socket."""
        event = await guest.receive_output(SECONDS)
        self.assertEqual(event.get('code'), 4401)

    async def test_a_logout_ends_the_sockets_of_one_session(self):
        async with connected(PATH, self.ada) as guest:
            async with connected(PATH, self.bob) as other:
                await self.ada.post('/accounts/logout/')
                await self.closes(guest)
                self.assertTrue(await other.receive_nothing())

    async def test_a_disabled_user_is_out(self):
        async with connected(PATH, self.bob) as guest:
            self.bob.user.is_active = False
            await self.bob.user.asave()
            await self.closes(guest)

    async def test_a_new_password_ends_the_sessions_of_the_old_one(self):
        async with connected(PATH, self.bob) as guest:
            self.bob.user.set_password('another')
            await self.bob.user.asave()
            await self.closes(guest)

    async def test_what_no_signal_tells_is_found(self):
        with patch.object(sessions, 'TURN', 0.01):
            async with connected(PATH, self.bob) as guest:
                await Session.objects.all().adelete()
                await self.closes(guest)
