from django.core.management.base import BaseCommand

from master_app import readings


class Command(BaseCommand):
    """Publish a reading from outside the server."""

    help = 'Publish a reading, a whole number from 0 to 100.'

    def add_arguments(self, parser):
        parser.add_argument(
            'value', type=int, choices=range(101), metavar='VALUE',
        )

    def handle(self, value, **options):
        readings.store(value)
        self.stdout.write(f'Published {value}.')
