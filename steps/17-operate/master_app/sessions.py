"""When a session ends, its sockets are closed with 4401."""

import asyncio
import logging
from functools import partial
from hashlib import sha256

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

ENDED = 4401  # the close code
TURN = 4  # seconds between two looks at all sessions
logger = logging.getLogger(__name__)
here = set()  # the consumers of this process
watch = None


def groups(scope):
    """What a socket joins to hear of its session, and of its user."""
    key = scope['session'].session_key
    return [of_session(key), of_user(scope['user'].pk)]


def of_session(key):
    """The group of a session. Its key is a secret; this hash is none."""
    return f'session.{sha256(key.encode()).hexdigest()}'


def of_user(pk):
    """The group of a user, whatever the session."""
    return f'user.{pk}'


@receiver(user_logged_out)
def logged_out(request, **kwargs):
    """Close the sockets of this session; the user may have others."""
    if key := request.session.session_key:
        tell(of_session(key), 'session.ended')


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def saved(instance, **kwargs):
    """Look at the user's sockets, once the database has the change."""
    event = of_user(instance.pk), 'session.look'
    transaction.on_commit(partial(tell, *event))


def tell(group, what):
    """Send an event. Where that fails, the next look finds out."""
    try:
        async_to_sync(get_channel_layer().group_send)(group, {'type': what})
    except Exception:  # a logout must not fail because a Redis is away
        logger.warning('Nobody was told of %s.', what)


def enter(consumer):
    """A socket is here. The first one in a process starts the watch."""
    global watch
    here.add(consumer)
    if watch is None or watch.done():
        watch = asyncio.create_task(look_around())


async def look_around():
    """One task a process: find what no event has told."""
    while True:
        await asyncio.sleep(TURN)
        try:
            await look(list(here))
        except Exception:  # whatever it is, the next turn comes
            logger.exception('The sessions could not be looked at.')


async def look(consumers):
    """Close sockets that should be; tell the others who their user is."""
    sessions, users = await found(
        {one.scope['session'].session_key for one in consumers},
        {one.scope['user'].pk for one in consumers},
    )
    for one in consumers:
        before = one.scope['user']
        user = users.get(before.pk)
        living = one.scope['session'].session_key in sessions
        if living and user and same_password(user, before):
            one.scope['user'] = user  # may be on the staff no longer
        else:
            await one.close(ENDED)


@database_sync_to_async
def found(keys, pks):
    """Those of the sessions that live, those of the users that are active."""
    living = Session.objects.filter(
        pk__in=keys, expire_date__gt=timezone.now(),
    )
    active = get_user_model().objects.filter(is_active=True)
    return set(living.values_list('pk', flat=True)), active.in_bulk(pks)


def same_password(user, before):
    """A new password ends the sessions that began with the old one."""
    return user.get_session_auth_hash() == before.get_session_auth_hash()
