# mypy: ignore-errors
"""The consumer classes of the project, with their methods."""

import inspect

from .report import inside
from .wrappers import name_of


def consumers():
    """Every consumer class of the project, with its methods."""
    from channels.consumer import AsyncConsumer

    found, queue = [], [AsyncConsumer]
    while queue:
        for sub in queue.pop().__subclasses__():
            queue.append(sub)
            described = consumer(sub)
            if described is not None and described not in found:
                found.append(described)
    return found


def consumer(cls):
    """One consumer class, or None where it is not the project's."""
    try:
        file = inside(inspect.getsourcefile(cls))
    except TypeError:
        return None
    if file is None:
        return None
    methods = {}
    for base in reversed(cls.__mro__):
        own = base is cls or inside(getattr(inspect.getmodule(base), "__file__", None))
        if not own:
            continue
        for name, value in vars(base).items():
            if inspect.isfunction(value):
                methods[name] = {
                    "line": value.__code__.co_firstlineno,
                    "file": inside(value.__code__.co_filename) or file,
                    "async": inspect.iscoroutinefunction(value)
                    or inspect.isasyncgenfunction(value),
                    "params": list(inspect.signature(value).parameters),
                }
    return {
        "name": name_of(cls),
        "file": file,
        "line": _line(cls),
        "bases": [name_of(base) for base in cls.__mro__],
        "sync": bool(getattr(cls, "_sync", False)),
        "methods": methods,
    }


def _line(cls):
    try:
        return inspect.findsource(cls)[1] + 1
    except (OSError, TypeError):
        return None
