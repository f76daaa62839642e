"""Readings: what is measured, and who is told."""

from itertools import count

from channels.layers import get_channel_layer

GROUP = 'readings'
numbers = count(1)
last = 0


def new(value):
    """Give a value its number, and make a message of both."""
    global last
    last = next(numbers)
    return {'type': 'reading', 'id': last, 'value': value}


def may_publish(user):
    """Whether somebody may publish: everybody on the staff."""
    return user.is_staff


async def publish(value):
    """Tell everyone who is connected of a new value."""
    event = {'type': 'readings.new', 'reading': new(value)}
    await get_channel_layer().group_send(GROUP, event)
