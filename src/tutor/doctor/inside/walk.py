# mypy: ignore-errors
"""Walk an ASGI application from its outermost object down to its consumers."""

import inspect

from .samples import sample_of, texts_of
from .wrappers import (
    branches,
    chain,
    inner_of,
    is_protocols,
    is_router,
    kind,
    listed,
    name_of,
    peel,
)


def walk(application):
    """Everything between the application and its consumers, as plain data."""
    described = {"type": name_of(application), "protocols": None, "leaves": []}
    router = peel(application, is_protocols)[0]
    if router is None:
        described["router-only"] = peel(application, is_router)[0] is not None
        return described
    described["router"] = name_of(router)
    mapping = getattr(router, "application_mapping", None)
    if not isinstance(mapping, dict):
        described["mapping"] = name_of(mapping)
        return described
    described["protocols"] = {
        str(key): {"type": name_of(value), "chain": chain(value), "is": kind(value)}
        for key, value in mapping.items()
    }
    if "http" in mapping and (is_router(mapping["http"]) or listed(mapping["http"])):
        described["pages"] = [
            {k: value for k, value in one.items() if k not in ("object", "others")}
            for one in leaves_of(mapping["http"], (), "", ())
            if one["is"] in ("class", "method", "instance", "list", "view")
        ]
    if "channel" in mapping:
        described["channels"] = channels(mapping["channel"])
    if "websocket" in mapping:
        described["origins"] = origins(mapping["websocket"])
        described["origins-text"] = origins_text(mapping["websocket"])
        leaves = list(leaves_of(mapping["websocket"], (), "", ()))
        for leaf in leaves:
            leaf["reached"] = reached(mapping["websocket"], leaf, leaves)
        described["leaves"] = [
            {k: value for k, value in leaf.items() if k not in ("object", "others")}
            for leaf in leaves
        ]
    return described


def channels(thing):
    """What stands behind each channel's name, where jobs are told apart by it."""
    found = peel(thing, lambda t: hasattr(t, "application_mapping"))[0]
    mapping = getattr(found, "application_mapping", None)
    told = mapping.items() if isinstance(mapping, dict) else ()
    shown = {str(name): leaf(one, (), "", (), None) for name, one in told}
    return {
        name: {key: one[key] for key in ("is", "consumer")}
        for name, one in shown.items()
    }


def origins(thing):
    """The origins that the first check of origins lets in; None without one."""
    found = peel(thing, lambda t: hasattr(t, "allowed_origins") or is_fork(t))[0]
    if found is not None and is_fork(found):
        known = [origins(one) for one in branches(found)]
        return next((one for one in known if one is not None), None)
    if found is None:
        return None
    try:
        return [str(origin) for origin in found.allowed_origins]
    except TypeError:
        return None


def origins_text(thing):
    """One text, where the first check of origins should have a list."""
    found = peel(thing, lambda t: hasattr(t, "allowed_origins") or is_fork(t))[0]
    given = getattr(found, "allowed_origins", None)
    return given if isinstance(given, str) else None


def is_fork(thing):
    """Whether a function chooses between several applications."""
    return inspect.isroutine(thing) and len(branches(thing)) > 1


def leaves_of(thing, passed, path, outer):
    """Every place where a connection can end, with its way there."""
    found, through = peel(thing, lambda t: is_router(t) or listed(t) or is_fork(t))
    passed = passed + tuple(through)
    if found is not None and is_fork(found):
        for one in branches(found):
            yield from leaves_of(one, (*passed, name_of(found)), path, outer)
        return
    if found is None:
        last = thing
        for _ in through[1:]:
            last = inner_of(last)
        yield leaf(last, passed[:-1], path, outer, None)
    elif listed(found) and not is_router(found):
        yield leaf(found, passed, path, outer, None)
    else:
        yield from routes_of(found, passed, path, outer)


def routes_of(router, passed, path, outer):
    routes = [*router.routes]  # a generator, which URLRouter itself has used up
    if not routes:
        yield {
            **leaf(None, passed, path, outer, None),
            "is": "empty",
        }
    for route in routes:
        pattern = getattr(route, "pattern", None)
        callback = getattr(route, "callback", route)
        text = str(pattern) if pattern is not None else ""
        wrong, regex = None, None
        try:
            regex = getattr(pattern, "regex", None)
        except Exception as error:
            wrong = str(error)
        step = {
            "text": text,
            "pattern": type(pattern).__name__,
            "endpoint": bool(getattr(pattern, "_is_endpoint", True)),
            "names": sorted(getattr(regex, "groupindex", {})),
            "sample": sample_of(pattern, callback) if regex is not None else None,
            "regex": getattr(regex, "pattern", None),
            "wrong": wrong,
            "hidden": not is_router(callback)
            and peel(callback, is_router)[0] is not None,
        }
        way = path + (step["sample"] if step["sample"] is not None else text)
        if is_router(callback):
            yield from routes_of(callback, passed, way, (*outer, step))
        elif step["hidden"]:
            yield from leaves_of(callback, passed, way, (*outer, step))
        else:
            last, through = innermost(callback)
            found = leaf(last, passed + through, way, (*outer, step), route)
            others = ["/" + (path + text).lstrip("/") for text in texts_of(pattern)]
            yield {**found, "object": callback, "others": others}


def innermost(thing):
    """What the middleware around one route's end wraps, and its names."""
    through = ()
    while (found := inner_of(thing)) is not None and len(through) < 30:
        thing, through = found, (*through, name_of(thing))
    return thing, through


def leaf(thing, passed, path, steps, route):
    found = getattr(thing, "consumer_class", None)
    if found is None and inspect.isclass(thing):
        found = thing
    if found is None and kind(thing) == "instance":
        found = type(thing)
    if found is None and inspect.ismethod(thing) and inspect.isclass(thing.__self__):
        found = thing.__self__
    return {
        "object": thing,
        "is": kind(thing) if thing is not None else "nothing",
        "type": name_of(thing),
        "chain": list(passed),
        "steps": list(steps),
        "sample": "/" + path.lstrip("/"),
        "consumer": name_of(found) if found is not None else None,
    }


def reached(thing, leaf, leaves):
    """The index of the leaf that a leaf's paths end at: its own, if one does."""
    first = resolve(thing, leaf["sample"], leaves)
    if first is not None and leaves[first] is not leaf:
        for path in leaf.get("others", ()):
            found = resolve(thing, path, leaves)
            if found is not None and leaves[found] is leaf:
                return found
    return first


def resolve(thing, path, leaves):
    """The index of the leaf that a path ends at; None for nowhere."""
    router = peel(thing, lambda t: is_router(t) or listed(t) or is_fork(t))[0]
    if router is None:
        return 0
    if is_fork(router):
        known = [resolve(one, path, leaves) for one in branches(router)]
        return next((one for one in known if one is not None), None)
    try:
        found = _resolve(router, path)
    except Exception:
        return None
    for index, one in enumerate(leaves):
        if found is not None and one["object"] is found:
            return index
    return None


def _resolve(router, path):
    if not is_router(router):
        return router
    path = path.lstrip("/")
    for route in router.routes:
        matched = route.pattern.match(path)
        if not matched:
            continue
        inner = peel(route.callback, is_router)[0]
        if inner is None:
            return route.callback
        # Behind a middleware, too: the first match decides, as in URLRouter.
        return _resolve(inner, matched[0])
    return None
