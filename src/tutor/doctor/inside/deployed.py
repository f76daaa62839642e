# mypy: ignore-errors
"""The settings that hold elsewhere: on the machine that a project is deployed to.

Nothing of them is used here, so no shield is needed: a module of settings is
imported, and what stands in it is reported.
"""

import asyncio
import importlib
import logging.config
import os
import re
import sys

from . import load
from .look import attempt, plain
from .report import ROOT, emit, error_of, give_up_after, leave

LIMIT = 4  # seconds for the whole process
WORD = "tutor-unset"  # for a variable that only that machine has


class Lenient(os._Environ):
    """An environment in which ``os.environ["X"]`` is a word, whatever ``X`` is.

    With ``get`` a project says itself what holds where a variable is missing.
    """

    def __getitem__(self, key):
        try:
            return super().__getitem__(key)
        except KeyError:
            asks = sys._getframe(1)
            if asks.f_globals.get("__name__") in LIBRARY or has_default(asks):
                raise
            if key.endswith("URL"):  # a library takes it apart
                return f"{'postgres' if DATABASE.search(key) else 'redis'}://{WORD}/0"
            return WORD


LIBRARY = ("collections.abc", "_collections_abc", "os")
DATABASE = re.compile("DATABASE|DB|POSTGRES|PG")


def has_default(asks):
    """Whether a function knows what to take instead, as that of django-environ may."""
    given = asks.f_locals
    if "default" not in given:
        return False
    return given["default"] is not getattr(given.get("self"), "NOTSET", None)


def main(arguments):
    names, variables, added = arguments
    give_up_after(LIMIT, lambda: load.stage[0])
    own = [os.path.join(ROOT, folder) for folder in added] + [ROOT]
    sys.path[:] = own + [p for p in sys.path if p not in ("", *own)]
    os.environ.update(variables)
    os.environ.__class__ = Lenient
    for name in names:
        os.environ["DJANGO_SETTINGS_MODULE"] = name
        load.stage[0] = name
        try:
            found = importlib.import_module(name)
        except BaseException:
            continue  # they need what only the other machine has
        tell(name, found)
    leave()


def tell(name, found):
    hosts = getattr(found, "ALLOWED_HOSTS", [])
    layers = getattr(found, "CHANNEL_LAYERS", None)
    emit(
        "deployed",
        module=name,
        hosts=plain(hosts),
        debug=bool(getattr(found, "DEBUG", False)),
        layers=plain(layers),
        databases=databases(getattr(found, "DATABASES", None)),
        static=plain(getattr(found, "STATIC_URL", None)),
        static_root=plain(getattr(found, "STATIC_ROOT", None)),
        logging=logged(getattr(found, "LOGGING", None)),
        secure=bool(getattr(found, "SESSION_COOKIE_SECURE", False)),
        lists={k: plain(v) for k, v in vars(found).items() if is_list(k, v)},
        broken=attempt(lambda: asyncio.run(broken(layers))) or [],
    )


def logged(table):
    """What logging makes of its table, and whether Daphne's logger prints then.

    No handler of the project's is made: it may open a file, or ask another machine.
    """
    if not isinstance(table, dict):
        return {}
    logger = logging.getLogger("daphne.server")
    logger.disabled = False
    try:
        handlers = dict(map(unopened, table.get("handlers", {}).items()))
        plain_ones = {
            kind: {name: {} for name in table.get(kind, {})}
            for kind in ("formatters", "filters")
        }
        logging.config.dictConfig({**table, **plain_ones, "handlers": handlers})
    except Exception as error:
        return {"error": error_of(error)}
    return {"hidden": not logger.isEnabledFor(logging.ERROR)}


def unopened(entry):
    """A handler that keeps nothing of its own but its formatter and its filters."""
    name, one = entry
    kind = str(one.get("class"))
    if kind.startswith("logging."):
        try:
            logging.config.DictConfigurator({}).resolve(kind)
        except Exception as error:
            raise ValueError(f"Unable to configure handler {name!r}") from error
    kept = {key: one[key] for key in ("formatter", "filters", "level") if key in one}
    return name, {"class": "logging.NullHandler", **kept}


def databases(given):
    """The engine of each database, and the host of its server."""
    told = given.items() if isinstance(given, dict) else ()
    return {
        str(alias): [str(one.get("ENGINE", "")), str(one.get("HOST") or "")]
        for alias, one in told
        if isinstance(one, dict)
    }


def is_list(name, value):
    """Whether a setting is a list of texts, such as that of the origins."""
    texts = isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value)
    return name.isupper() and texts


async def broken(layers):
    """The layers that cannot be made: some want a loop, none asks its server."""
    from channels.layers import ChannelLayerManager

    class Manager(ChannelLayerManager):
        configs = layers

    found = []
    for alias, one in layers.items() if isinstance(layers, dict) else ():
        try:
            made = Manager()._make_backend(alias, one.get("CONFIG") or {})
            if WORD not in str(one):
                for number, _ in enumerate(getattr(made, "hosts", None) or []):
                    made.create_pool(number)
        except BaseException as error:
            found.append({"alias": alias, "error": error_of(error)})
    return found
