from django.core.management.base import BaseCommand

from counter import calls
from counter.messages import DESKS


class Command(BaseCommand):
    """Call the next one to a desk."""

    help = 'Call whoever is next to a desk.'

    def add_arguments(self, parser):
        parser.add_argument('desk', type=int, choices=range(1, DESKS + 1))

    def handle(self, desk, **options):
        call = calls.make(desk)
        self.stdout.write(f'{call.ticket}, please come to desk {desk}.')
