import logging
from unittest.mock import patch

from django.test import override_settings

from master_app import consumers, leaving, logs, readings, sockets
from master_app.tests.clients import SECONDS, Visitors, connected

PATH = '/ws/readings/'


async def code(guest):
    """Listen until the socket closes; its code."""
    event = {}
    while event.get('type') != 'websocket.close':
        event = await guest.receive_output(SECONDS)
    return event['code']


class Limits(Visitors):
    """What a client may take, and how it hears that it is too much."""

    async def test_who_acknowledges_nothing_is_closed(self):
        async with connected(PATH, self.bob) as bob:
            for _ in range(consumers.UNREAD + 1):
                await readings.publish(1)
            self.assertEqual(await code(bob), sockets.BEHIND)

    async def test_who_acknowledges_stays(self):
        async with connected(PATH, self.bob) as bob:
            for number in range(1, 2 * consumers.UNREAD):
                await readings.publish(1)
                reading = await bob.receive_json_from(SECONDS)
                if number % 20 == 0:
                    ack = {'type': 'ack', 'id': reading['id']}
                    await bob.send_json_to(ack)

    @override_settings(SOCKETS_PER_USER=1)
    async def test_a_user_has_so_many_sockets(self):
        async with connected(PATH, self.bob), connected(PATH, self.ada):
            async with connected(PATH, self.bob) as second:
                self.assertEqual(await code(second), sockets.TOO_MANY)
        self.assertEqual(sockets.here, {})

    async def test_a_server_that_ends_says_so(self):
        with patch.object(leaving, 'server') as server:
            async with connected(PATH, self.bob) as bob:
                await leaving.tell()
                self.assertEqual(await code(bob), leaving.RESTART)
        server.assert_called_once()


class Seen(Visitors):
    """What is said about the server, and to whom."""

    async def test_health_needs_no_login_and_no_host(self):
        for path in '/healthz/', '/readyz/':
            answer = await self.async_client.get(path, headers={'host': 'x'})
            self.assertEqual(answer.status_code, 200)

    @override_settings(REDIS_URL='redis://127.0.0.1:1')
    async def test_not_ready_without_redis(self):
        answer = await self.async_client.get('/readyz/')
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json(), {
            'database': True, 'redis': False, 'staying': True,
        })

    @override_settings(METRICS_TOKEN='secret')
    async def test_metrics_are_for_the_staff_and_for_the_token(self):
        token = {'authorization': 'Bearer secret'}
        wrong = {'authorization': 'Bearer secre'}
        for visitor, headers, status in (
            (self.ada, {}, 200), (self.bob, {}, 403),
            (self.async_client, token, 200), (self.async_client, wrong, 403),
        ):
            answer = await visitor.get('/metrics/', headers=headers)
            self.assertEqual(answer.status_code, status)

    async def test_a_line_of_the_log_has_the_facts(self):
        record = logging.makeLogRecord({'msg': 'closed', 'facts': {'code': 1}})
        self.assertIn('closed code=1', logs.Text().format(record))
        self.assertIn('"code": 1', logs.Json().format(record))
