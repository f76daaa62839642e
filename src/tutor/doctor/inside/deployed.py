# mypy: ignore-errors
"""The settings that hold elsewhere: on the machine that a project is deployed to.

Nothing of them is used here, so no shield is needed: a module of settings is
imported, and what stands in it is reported.
"""

import importlib
import os
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
            asks = sys._getframe(1).f_globals.get("__name__")
            if asks in ("collections.abc", "_collections_abc", "os"):
                raise
            return WORD


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
        static_root=plain(getattr(found, "STATIC_ROOT", None)),
        broken=attempt(lambda: [*broken(layers)]) or [],
    )


def broken(layers):
    """The layers that cannot be made: none of them asks its server for that."""
    from channels.layers import ChannelLayerManager

    class Manager(ChannelLayerManager):
        configs = layers

    for alias, one in layers.items() if isinstance(layers, dict) else ():
        try:
            made = Manager()._make_backend(alias, one.get("CONFIG") or {})
            if WORD not in str(one):
                for number, _ in enumerate(getattr(made, "hosts", None) or []):
                    made.create_pool(number)
        except BaseException as error:
            yield {"alias": alias, "error": error_of(error)}
