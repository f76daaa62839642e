"""A sign of life every second, so that a screen knows it is connected."""

import asyncio

TURN = 1  # seconds
here = set()  # the consumers of this process
beating = None


def enter(consumer):
    """A screen is here. The first one in a process starts the pulse."""
    global beating
    here.add(consumer)
    if beating is None or beating.done():
        beating = asyncio.create_task(beat())


async def beat():
    """One task a process, as long as somebody is here."""
    while here:
        for consumer in list(here):
            await consumer.send_json({'type': 'pulse'})
        await asyncio.sleep(TURN)
