"""Jobs: what the workers are asked for."""

from uuid import uuid4

from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis

MEASURE = 'measure'  # a channel
EXPIRY = 120  # seconds: longer than a job waits


async def take(job):
    """Take a job, unless somebody has it already."""
    if not settings.REDIS_URL:
        return True  # nobody else can see the memory of this process
    async with Redis.from_url(settings.REDIS_URL) as redis:
        return await redis.set(f'job:{job["id"]}', '', nx=True, ex=EXPIRY)


async def send(channel, what):
    """Ask whoever works on a channel to do something."""
    job = {'type': what, 'id': uuid4().hex}
    await get_channel_layer('jobs').send(channel, job)
