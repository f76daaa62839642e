"""Readings: what is measured and stored, and who is told."""

from time import time

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import Max

from master_app.models import Reading

GROUP = 'readings'
OVERLAP = 100  # ids: a lower one may be committed after a higher one
PAGE = 100  # readings in one query, besides those
MOST = 1000  # ids that are sent again


def message(reading):
    """What a client is told of a reading."""
    return {'type': 'reading', 'id': reading.id, 'value': reading.value}


def may_publish(user):
    """Whether somebody may publish: everybody on the staff."""
    return user.is_staff


def store(value):
    """Store a new value, and tell everyone once it is committed."""
    reading = Reading.objects.create(value=value)
    transaction.on_commit(lambda: tell(message(reading)))


publish = database_sync_to_async(store)  # the same, for async code


def tell(reading):
    """Tell everyone who is connected of a reading."""
    event = {'type': 'readings.new', 'reading': reading, 'at': time()}
    async_to_sync(get_channel_layer().group_send)(GROUP, event)


@database_sync_to_async
def newest():
    """The highest id; 0 if there is none."""
    return Reading.objects.aggregate(last=Max('id', default=0))['last']


@database_sync_to_async
def since(after, known):
    """A page of readings, but for known ones, from just before `after`."""
    page = Reading.objects.filter(id__gt=after - OVERLAP).order_by('id')
    page = page[:OVERLAP + PAGE]
    return [message(reading) for reading in page if reading.id not in known]
