"""Fan-out: one channel hears the readings for all of this process."""

import asyncio
import json
import logging
import time
from contextlib import suppress

from channels.layers import get_channel_layer

from master_app import metrics, readings

CHUNK = 100  # clients between two turns of the loop
logger = logging.getLogger(__name__)
here = set()  # the consumers of this process
ear = joined = None  # a task, and whether it has joined the group


async def enter(consumer):
    """Someone is here. The first one in a process starts its ear."""
    global ear, joined
    here.add(consumer)
    if ear is None or ear.done():
        joined = asyncio.Event()
        ear = asyncio.create_task(listen(joined))
    await joined.wait()


async def leave(consumer):
    """Someone has gone. The last one in a process ends its ear."""
    global ear
    here.discard(consumer)
    if ear and not here:
        ending, ear = ear, None
        ending.cancel()
        await asyncio.wait([ending])


async def listen(joined):
    """One task a process: whatever happens, it listens again."""
    layer = get_channel_layer()
    while True:
        try:
            await hear(layer, await layer.new_channel(), joined)
        except Exception:
            logger.exception('The readings are not heard for a second.')
            await asyncio.sleep(1)


async def hear(layer, channel, joined):
    """Hand on what the group is told."""
    try:
        while True:
            # Joins each time: some layers forget who joined a day ago.
            await layer.group_add(readings.GROUP, channel)
            joined.set()
            await hand_on(await layer.receive(channel))
    finally:
        with suppress(Exception):  # Redis may be away
            await layer.group_discard(readings.GROUP, channel)


async def hand_on(event):
    """Encode an event once, and send everyone the same text."""
    consumers = list(here)  # others come and go meanwhile
    if event['type'] == 'readings.new':
        reading = event['reading']
        text = json.dumps(reading)
        calls = (one.deliver(reading['id'], text) for one in consumers)
    else:
        text = json.dumps({'type': 'heartbeat', 'here': event['here']})
        calls = (one.heartbeat(text) for one in consumers)
    for count, call in enumerate(calls, 1):
        try:
            await call
        except Exception:  # one client's trouble is not the others'
            logger.exception('A client did not get its message.')
        if count % CHUNK == 0:
            await asyncio.sleep(0)  # the loop serves others, too
    if 'at' in event:
        metrics.DELIVERY.observe(time.time() - event['at'])
