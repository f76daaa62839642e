from unittest.mock import patch

from master_app import presence
from master_app.tests.clients import SECONDS, Visitors, connected


class Presence(Visitors):
    """Whoever is connected hears that the way is open."""

    async def test_a_heartbeat_says_how_many_are_here(self):
        with patch.object(presence, 'TURN', 0.01):
            async with connected('/ws/readings/', self.ada) as guest:
                beat = await guest.receive_json_from(SECONDS)
        self.assertEqual(beat, {'type': 'heartbeat', 'here': 1})
        self.assertEqual(presence.here, set())
