"""Calls: who is next, and at which desk."""

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction

from counter.models import Call

GROUP = 'counter'
OVERLAP = 10  # ids: a lower one may be committed after a higher one
MOST = 500  # calls that are sent again


def message(call):
    """What a screen is told of a call."""
    about = {'id': call.id, 'ticket': call.ticket, 'desk': call.desk}
    return {'type': 'call', 'call': about}


def make(desk):
    """Call the next one to a desk; tell every screen once it is stored."""
    call = Call.objects.create(desk=desk)
    event = {'type': 'counter.call', 'message': message(call)}
    tell = async_to_sync(get_channel_layer().group_send)
    transaction.on_commit(lambda: tell(GROUP, event))
    return call


@database_sync_to_async
def since(known):
    """The calls after one, and a few before it; the newest, if many."""
    after = Call.objects.filter(id__gt=known - OVERLAP).order_by('-id')
    return [message(call) for call in reversed(after[:MOST])]
