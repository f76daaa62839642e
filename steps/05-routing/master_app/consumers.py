from channels.consumer import AsyncConsumer


class PracticeConsumer(AsyncConsumer):
    """Sends 0 on connect, then a random number for each message."""
