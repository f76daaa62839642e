# mypy: ignore-errors
"""Run a project's application under Daphne, as production does, and watch it.

The ASGI module is imported in a process that has nothing but Python and Daphne:
no ``manage.py``, no ``DJANGO_SETTINGS_MODULE``.  Only the folders that ``manage.py``
puts on ``sys.path`` are there: whoever starts a server names them in ``PYTHONPATH``.
Where that import fails and the one of ``runserver`` does not, the server is started
once more with Django made ready before it, as ``runserver`` has it.
"""

import gc
import importlib
import importlib.abc
import os
import sys

from . import consumers, load, record, shield, walk
from .report import ROOT, emit, error_of, failed, give_up_after, inside, own, stack_of

IMPORTING = 6  # seconds
TURN = 0.05  # seconds between two looks at finished applications


def main(arguments):
    gc.disable()  # while much comes that stays
    target, descriptor, ready, *added = arguments
    loaded = []
    give_up_after(IMPORTING, lambda: load.stage[0], unless=lambda: bool(loaded))
    own = [os.path.join(ROOT, folder) for folder in added] + [ROOT]
    sys.path[:] = own + [p for p in sys.path if p not in ("", *own)]
    sys.argv[:] = ["daphne", target]
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    load.stage[0] = "daphne"
    try:
        import daphne.server
    except BaseException as error:
        failed("daphne", error)
        return
    shield.raise_shield()
    if ready:
        set_up(ready)
    application = imported(target)
    if application is None:
        return
    loaded.append(True)
    serve(daphne.server, application, descriptor)


def set_up(settings):
    """Make Django ready, as ``manage.py`` does before any application is imported."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    django.setup()


def imported(target):
    """The application, imported as Daphne imports it; None where that fails."""
    sys.meta_path.insert(0, Order())
    module, _, name = target.partition(":")
    load.stage[0] = "asgi"
    try:
        found = importlib.import_module(module)
        sys.meta_path.pop(0)
        application = getattr(found, name or "application")
    except BaseException as error:
        failed("asgi", error, module=module)
        return None
    emit("asgi", file=inside(found.__file__), name=name or "application")
    emit(
        "environment",
        settings=os.environ.get("DJANGO_SETTINGS_MODULE"),
        unsafe=os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"),
    )
    hosts()
    load.stage[0] = "walk"
    try:
        emit("walk", **walk.walk(application))
        emit("consumers", found=consumers.consumers())
    except BaseException as error:
        failed("walk", error)
    return application


def hosts():
    """The names under which the project's own pages are let in."""
    try:
        from django.conf import settings

        used = settings.SETTINGS_MODULE
        emit("hosts", hosts=list(settings.ALLOWED_HOSTS), module=used)
    except BaseException as error:
        failed("hosts", error)


def note_failed_pages():
    """Report what a page ends with in place of an answer; Django only logs it."""
    from django.core.signals import got_request_exception
    from django.http import HttpResponse
    from django.views import debug

    def note(request=None, **told):
        error = sys.exc_info()[1]
        if error is not None:
            path = getattr(request, "path", "")
            emit("page-failed", path=path, error=error_of(error))

    def short(request, kind, error, traceback, status_code=500):
        return HttpResponse(status=status_code)

    got_request_exception.connect(note, weak=False)
    # Django would print all values of all frames into a page that nobody reads here.
    debug.technical_500_response = short


class Order(importlib.abc.MetaPathFinder):
    """Finds nothing; notes which of the project's modules Django was not ready for."""

    def __init__(self):
        self.own = {entry.partition(".")[0] for entry in os.listdir(ROOT)}

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] not in self.own:
            return None
        registry = getattr(sys.modules.get("django.apps"), "apps", None)
        if registry is None or not registry.apps_ready:
            stack = [f for f in stack_of(sys._getframe(1)) if f["own"]]
            if stack:
                emit("early", module=name, at=own(stack), first=stack[0])
        return None


def serve(server, application, descriptor):
    """Run Daphne until this process is ended."""
    import asyncio
    import logging

    reactor = server.reactor
    real_later = reactor.callLater

    def later(delay, function, *args, **kwargs):
        # Daphne looks at finished applications once a second; nobody waits here.
        if getattr(function, "__name__", "") != "application_checker":
            return real_later(delay, function, *args, **kwargs)

        def look():
            try:
                function(*args, **kwargs)
            except BaseException:
                # Daphne never looks again after an error of its own; nobody is to
                # wait for what it would have printed.
                real_later(TURN, tell_on)
                raise
            finally:
                tell()

        return real_later(TURN, look)

    def tell():
        for conn in record.finished:
            emit("printed", conn=conn)
        record.finished.clear()

    def tell_on():
        tell()
        real_later(TURN, tell_on)

    reactor.callLater = later
    note_failed_pages()
    record.note_sync_sends()
    record.note_unawaited()
    record.note_lost_tasks(reactor._asyncioEventloop)
    logger = logging.getLogger("daphne.server")
    emit("logging", hidden=logger.disabled, level=logger.getEffectiveLevel())
    logging.basicConfig(level=logging.INFO)

    def ready():
        asyncio.set_event_loop(reactor._asyncioEventloop)
        # Each connection's end looks for what is lost; among what is new, that is.
        gc.freeze()
        gc.enable()
        emit("ready", pid=os.getpid())

    server.Server(
        application=record.recorded(application),
        endpoints=[f"fd:fileno={descriptor}"],
        signal_handlers=False,
        application_close_timeout=1,
        ready_callable=ready,
    ).run()
