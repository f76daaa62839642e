# mypy: ignore-errors
"""What is wrapped in what: take middleware off until a router comes out."""

import contextlib
import inspect

from .report import inside

_INNER = ("inner", "application", "app", "_app", "asgi_app", "wrapped", "_inner")


def name_of(thing):
    """``module.Name`` of a class, a function, or the class of an instance."""
    target = thing
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        target = type(thing)
    module = getattr(target, "__module__", None) or ""
    name = getattr(target, "__qualname__", None) or getattr(target, "__name__", "?")
    return module + "." + name


def is_protocols(thing):
    return hasattr(thing, "application_mapping") and not hasattr(thing, "routes")


def is_router(thing):
    routes = getattr(thing, "routes", None)
    if type(thing).__module__ == "channels.routing":
        return hasattr(routes, "__iter__")  # also a generator, which is used up
    return isinstance(routes, (list, tuple)) and callable(thing)


def inner_of(thing):
    """What a middleware wraps, or None: by its attributes or its closure."""
    if inspect.isclass(thing) or hasattr(thing, "consumer_class"):
        return None
    for name in _INNER:
        found = getattr(thing, name, None)
        if (
            found is not None
            and found is not thing
            and (callable(found) or listed(found))
        ):
            return found
    func = getattr(thing, "func", None)
    if callable(func) and getattr(thing, "args", None) is not None:
        return next((a for a in thing.args if callable(a)), func)
    return next(iter(branches(thing)), None)


def branches(thing):
    """What a function may hand a connection on to: by its path, such as."""
    if inspect.isclass(thing) or hasattr(thing, "consumer_class"):
        return []
    found = []
    for one in used_by(thing):
        known = is_router(one) or is_protocols(one) or inner_of_known(one)
        if known and not any(one is other for other in found):
            found.append(one)
    return found


def used_by(thing):
    """What a function finds in its closure, and among its module's names."""
    for cell in getattr(thing, "__closure__", None) or ():
        with contextlib.suppress(ValueError):
            yield cell.cell_contents
    code = getattr(thing, "__code__", None)
    if code is not None and inside(code.co_filename):
        known = getattr(thing, "__globals__", {})
        yield from (known[name] for name in code.co_names if name in known)


def inner_of_known(thing):
    return callable(thing) and any(
        getattr(thing, name, None) is not None for name in _INNER
    )


def listed(thing):
    return isinstance(thing, (list, tuple))


def peel(thing, wanted):
    """Take wrappers off until ``wanted`` fits: the object and what was passed."""
    passed = []
    for _ in range(30):
        if thing is None or wanted(thing):
            return thing, passed
        passed.append(name_of(thing))
        thing = inner_of(thing)
    return None, passed


def chain(thing):
    """The names of everything between here and the router, outermost first."""
    return peel(thing, lambda t: is_router(t) or listed(t))[1]


def kind(thing):
    """What an object at the end of a route is."""
    from channels.consumer import AsyncConsumer

    if hasattr(thing, "consumer_class"):
        return "consumer"
    if inspect.isclass(thing):
        return "class" if issubclass(thing, AsyncConsumer) else "other-class"
    if isinstance(thing, AsyncConsumer):
        return "instance"
    if inspect.ismethod(thing) and thing.__name__ == "as_asgi":
        return "method"
    if listed(thing):
        return "list"
    if is_router(thing):
        return "router"
    if inspect.isfunction(thing) and name_of(thing).startswith("django.core.asgi"):
        return "not-called"
    if hasattr(thing, "view_class") or _takes_no_scope(thing):
        return "view"
    return "app" if callable(thing) else "nothing"


def _takes_no_scope(thing):
    """Whether a function can't be called with scope, receive and send."""
    if not inspect.isfunction(thing):
        return False
    try:
        inspect.signature(thing).bind(None, None, None)
    except TypeError:
        return True
    return False
