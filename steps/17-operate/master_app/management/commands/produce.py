import asyncio
from itertools import count as numbers
from itertools import islice

from channels.exceptions import ChannelFull
from django.core.management.base import BaseCommand

from master_app import jobs


class Command(BaseCommand):
    """Send jobs to the workers, one a second."""

    help = 'Ask the workers for a measurement, once a second.'

    def add_arguments(self, parser):
        parser.add_argument('--count', type=int, help='no end without it')
        parser.add_argument('--every', type=float, default=1.0, help='s')

    def handle(self, count, every, **options):
        self.stdout.write('Jobs are on their way.')
        asyncio.run(self.produce(count, every))

    async def produce(self, count, every):
        for _ in islice(numbers(), count):
            try:
                await jobs.send(jobs.MEASURE, 'measure.load')
            except ChannelFull:
                self.stderr.write('Dropped a job: nobody fetches them.')
            await asyncio.sleep(every)
