# mypy: ignore-errors
"""Let a client in: a user, a session of the project's own, and what they ask for.

Nothing happens until a client asks for it.  Where anything goes wrong, nobody is
signed in, and nothing else is different.
"""

import asyncio
import contextlib
import gc
import importlib
import sys
import threading
import urllib.parse

from . import furnish, samples, tables
from .report import emit

HEADER = b"x-tutor-signin"
SESSIONS = tuple(
    f"django.contrib.sessions.backends.{name}"
    for name in ("db", "cached_db", "cache", "file", "signed_cookies")
)
PATIENCE = 1.0  # seconds for a channel layer to answer
TOKENS = ("token", "ticket", "key", "access_token", "auth", "jwt")
busy = []  # the thread that prepares
_given = {}  # what a client has in its hands


def asked(scope):
    """How somebody asks to be let in; empty where nobody does."""
    for name, value in scope.get("headers", ()):
        if name == HEADER:
            return value.decode()
    return ""


def signed(scope):
    """The scope of somebody who has logged in."""
    how = asked(scope)
    if not how:
        return scope
    headers = list(scope["headers"])
    if "cookie" in _given:
        headers.append((b"cookie", _given["cookie"]))
    if how != "token" or "token" not in _given:
        return {**scope, "headers": headers}
    headers.append((b"authorization", b"Bearer " + _given["token"].encode()))
    query = urllib.parse.urlencode(dict.fromkeys(TOKENS, _given["token"])).encode()
    query = b"&".join(filter(None, (scope.get("query_string"), query)))
    return {**scope, "headers": headers, "query_string": query}


async def prepare(paths, send):
    """Make ready, in a thread of our own; then say so."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def work():
        busy.append(threading.get_ident())
        try:
            found = ready(paths)
        except BaseException as error:
            found = repr(error)
        loop.call_soon_threadsafe(done.set_result, found)

    threading.Thread(target=work, daemon=True).start()
    failed = await done
    with contextlib.suppress(Exception):
        await away()
    # What was made is no news to those who look for what is lost.
    gc.collect()
    gc.freeze()
    busy.clear()
    cookie = _given.get("cookie", b"").decode()
    emit("prepared", ok=not failed, text=failed, token="token" in _given, cookie=cookie)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def ready(paths):
    """Make tables, a user, objects and a session; what was wrong, if anything was."""
    from django.apps import apps

    if not apps.ready:
        return "the apps are not ready"
    words = [word for word in samples.used if any(word in path for path in paths)]
    words = words[:2] or ["1"]
    try:
        with tables.unheard():
            tables.lay_tables()
            user = None
            with contextlib.suppress(Exception):  # a project without users
                user = furnish.user_of(words[0])
            furnish.furnish(user, words)
            if user is not None:
                with contextlib.suppress(Exception):  # or without sessions
                    _session(user)
                _token(user)
    finally:
        from django.db import connections

        connections.close_all()
    return ""


def _session(user):
    """A session in the project's own store, as a login makes it."""
    from django.conf import settings
    from django.contrib import auth

    engine = importlib.import_module(settings.SESSION_ENGINE)
    lines = [base.__module__ for base in engine.SessionStore.__mro__]
    known = [name for name in lines if name in SESSIONS]
    if not known:
        return  # who knows where it would be kept
    store = engine.SessionStore()
    store[auth.SESSION_KEY] = user._meta.pk.value_to_string(user)
    store[auth.BACKEND_SESSION_KEY] = _backend(user)
    if hasattr(user, "get_session_auth_hash"):
        store[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    _given["cookie"] = f"{settings.SESSION_COOKIE_NAME}={store.session_key}".encode()


def _backend(user):
    """The first of the project's backends that knows its users."""
    from django.conf import settings
    from django.contrib.auth import load_backend

    for path in settings.AUTHENTICATION_BACKENDS:
        with contextlib.suppress(Exception):
            if load_backend(path).get_user(user.pk) is not None:
                return path
    return settings.AUTHENTICATION_BACKENDS[0]


def _token(user):
    """What a project with tokens lets in, where that takes one call."""
    for make in (_rest, _simple, _own, _plain):
        with contextlib.suppress(Exception):
            token = make(user)
            if token:
                _given["token"] = str(token)
                return


def _rest(user):
    from django.apps import apps

    if apps.is_installed("rest_framework.authtoken"):
        model = apps.get_model("authtoken", "Token")
        return model.objects.get_or_create(user=user)[0].key
    return None


def _simple(user):
    if "rest_framework_simplejwt.tokens" in sys.modules:
        return sys.modules["rest_framework_simplejwt.tokens"].AccessToken.for_user(user)
    return None


def _own(user):
    """The text of a model of the project that is a token, and the user's."""
    from django.apps import apps

    for model in filter(tables.is_own, apps.get_models()):
        fields = {field.name: field for field in model._meta.concrete_fields}
        names = [name for name in ("token", "key", "ticket") if name in fields]
        for name, field in fields.items() if names else ():
            if field.remote_field and isinstance(user, field.remote_field.model):
                one = model._base_manager.filter(**{name: user}).first()
                return getattr(one, names[0], None)
    return None


def _plain(user):
    """A JSON Web Token with all names that a user's number has in such tokens."""
    import time

    from django.conf import settings

    if "jwt" not in sys.modules:
        return None
    names = dict.fromkeys(("user_id", "id", "uid", "user", "pk"), user.pk)
    now = int(time.time())
    return sys.modules["jwt"].encode(
        {
            **names,
            "sub": str(user.pk),
            "username": user.get_username(),
            "email": str(getattr(user, "email", "")),
            "iat": now,
            "exp": now + 3600,
        },
        getattr(settings, "JWT_SECRET", None) or settings.SECRET_KEY,
        algorithm="HS256",
    )


async def away():
    """In place of a channel layer whose Redis is not there, one in memory."""
    from channels.layers import InMemoryChannelLayer, channel_layers

    for alias in channel_layers.configs or {}:
        layer = channel_layers[alias]
        if "redis" not in type(layer).__module__:
            continue
        try:
            channel = await layer.new_channel()
            await asyncio.wait_for(layer.group_add("tutor", channel), PATIENCE)
            await asyncio.wait_for(layer.group_discard("tutor", channel), PATIENCE)
        except Exception as error:
            names = [base.__name__ for base in type(error).__mro__]
            if {"ConnectionError", "TimeoutError", "OSError"} & {*names}:
                channel_layers.set(alias, InMemoryChannelLayer())
