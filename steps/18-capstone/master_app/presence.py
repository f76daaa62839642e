"""Who is here: a key in Redis for each socket, which soon expires."""

import asyncio
import logging
from itertools import count

from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from master_app import readings

TURN = 0.3  # seconds between two renewals
EXPIRY = 900  # milliseconds that a key lasts
logger = logging.getLogger(__name__)
here = set()  # the consumers of this process
heart = None


def enter(consumer):
    """Someone is here. The first one in a process starts its heart."""
    global heart
    here.add(consumer)
    if heart is None or heart.done():
        heart = asyncio.create_task(beat())


async def beat():
    """One task a process: renew the keys; at each third turn, a heartbeat."""
    redis = Redis.from_url(settings.REDIS_URL) if settings.REDIS_URL else None
    for turn in count(1):
        await asyncio.sleep(TURN)
        try:
            if redis:
                await renew(redis)
            if here and turn % 3 == 0:
                event = {'type': 'readings.heartbeat'}
                event['here'] = await counted(redis)
                await get_channel_layer().group_send(readings.GROUP, event)
        except RedisError:
            logger.warning('No heartbeat: Redis does not answer.')


async def renew(redis):
    """Let the keys of this process last."""
    async with redis.pipeline(transaction=False) as batch:
        for consumer in here:
            batch.set(f'here:{consumer.channel_name}', '', px=EXPIRY)
        await batch.execute()


async def counted(redis):
    """How many sockets all processes have; without Redis, this one."""
    if redis is None:
        return len(here)
    return len({key async for key in redis.scan_iter('here:*', 1000)})
