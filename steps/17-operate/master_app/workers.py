"""What the workers do: python manage.py runworker measure"""

import psutil
from channels.consumer import AsyncConsumer

from master_app import jobs, readings


class MeasureConsumer(AsyncConsumer):
    """Does the jobs of the channel `measure`, one after the other."""

    async def measure_load(self, job):
        """Publish how busy the processors were since the last job."""
        if await jobs.take(job):
            await readings.publish(round(psutil.cpu_percent()))
