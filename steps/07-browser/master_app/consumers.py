from random import randint

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer


class PracticeConsumer(AsyncConsumer):
    """Sends 0 on connect, then a random number for each message."""

    async def websocket_connect(self, event):
        """Accept the handshake and send the first number."""
        await self.send({'type': 'websocket.accept'})
        await self.send({'type': 'websocket.send', 'text': '0'})

    async def websocket_receive(self, event):
        """Answer every message, text or binary, with a number."""
        number = randint(0, 100)
        await self.send({'type': 'websocket.send', 'text': str(number)})

    async def websocket_disconnect(self, event):
        """Tell Channels that this consumer is done."""
        raise StopConsumer
