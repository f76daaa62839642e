"""Run a project's tests with the project spoilt: ``sabotage.py WHAT SETTINGS``.

The current folder is the project.  Nothing of it is changed: what is spoilt is what
its consumers stand on, in this process only.  Needs Django and Channels, not us: a
project may have an interpreter of its own.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from channels.consumer import AsyncConsumer, SyncConsumer
from channels.security.websocket import OriginValidator
from django.core.management import execute_from_command_line

BLOCKED = 0.8  # seconds; tests of ours allow 0.5
FIRST = 4  # messages of each consumer
Message = dict[str, Any]


def spoil(change: Callable[[Message, int], Message]) -> None:
    """Let ``change`` see each message before a consumer sends it, and its number."""
    sends, blocks = AsyncConsumer.send, SyncConsumer.send
    sent: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def changed(consumer: Any, message: Message) -> Message:
        sent[consumer] = sent.get(consumer, 0) + 1
        return change(message, sent[consumer])

    async def send(self: Any, message: Message) -> None:
        await sends(self, changed(self, message))

    AsyncConsumer.send = send
    SyncConsumer.send = lambda self, message: blocks(self, changed(self, message))


def words(message: Message, number: int) -> Message:
    """Say something else."""
    if isinstance(message.get("text"), str):
        return message | {"text": message["text"] + " and more"}
    return message


def blocked(message: Message, number: int) -> Message:
    """Keep everybody waiting; but not for minutes, where a test wants many."""
    if message["type"] == "websocket.send" and number <= FIRST:
        time.sleep(BLOCKED)
    return message


if __name__ == "__main__":
    what, settings = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    if what == "strangers":
        OriginValidator.valid_origin = lambda self, origin: True
    else:
        spoil({"words": words, "blocked": blocked}[what])
    execute_from_command_line(["manage.py", "test", "--noinput", "--failfast"])
