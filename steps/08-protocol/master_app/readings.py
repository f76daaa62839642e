"""Readings: what is measured, and who is told."""

from itertools import count

numbers = count(1)
last = 0


def new(value):
    """Give a value its number, and make a message of both."""
    global last
    last = next(numbers)
    return {'type': 'reading', 'id': last, 'value': value}
