# mypy: ignore-errors
"""Views that cannot take what their routes hand them, and what each name takes."""

import inspect
import os

_KWARGS = ("pk_url_kwarg", "slug_url_kwarg")


def unfit(patterns, given=(), depth=0):
    """The routes whose view cannot be called: with what is said, and whose it is."""
    for pattern in patterns:
        taken = captured(pattern.pattern)
        both = None if None in (given, taken) else (*given, *taken)
        inner = getattr(pattern, "url_patterns", None)
        if inner is not None:
            if depth < 5:
                yield from unfit(inner, both, depth + 1)
            continue
        view = bare(getattr(pattern, "callback", None))
        kind = getattr(view, "__self__", None)
        if isinstance(kind, type) and getattr(view, "__name__", "") == "as_view":
            yield told(pattern, kind, "as_view", "as_view() takes 1 argument, not 2")
        elif hasattr(view, "as_view"):  # the class itself
            said = f"{view.__name__}() takes 1 positional argument but 2 were given"
            yield told(pattern, view, "as_view", said)
        elif both is not None:
            extra = {*both, *getattr(pattern, "default_args", {})}
            yield from _refuses(pattern, view, extra)


def _refuses(pattern, view, names):
    """What of a route its view has no parameter for, or the other way round."""
    kind = getattr(view, "view_class", None)
    if isinstance(kind, type):
        if any(is_ours(getattr(kind, one, None)) for one in ("dispatch", "setup")):
            return  # it may hand on something else
        handlers = [(one, getattr(kind, one, None)) for one in kind.http_method_names]
        before = 2
        given = getattr(view, "view_initkwargs", {})
        if _asks_for_another(kind, names, given):
            said = f"{kind.__qualname__} must be called with either a pk or a slug"
            yield told(pattern, kind, "", said)
            return
    elif inspect.isfunction(view):
        handlers, before, kind = [(view.__name__, view)], 1, view
    else:
        return
    for name, function in handlers:
        if not inspect.isfunction(function) or not is_ours(function):
            continue
        try:
            signature = inspect.signature(function, follow_wrapped=False)
            signature.bind(*[None] * before, **dict.fromkeys(names))
        except TypeError as error:
            yield told(pattern, kind, name, f"{name}() {error}")
            return
        except ValueError:
            continue


def _asks_for_another(kind, names, given):
    """Whether a view of Django's looks for one row by a name that no route gives it."""
    from django.views.generic import detail, edit

    bases = (detail.BaseDetailView, edit.BaseUpdateView, edit.BaseDeleteView)
    if not issubclass(kind, bases):
        return False
    own = ("get_object", "get", "post")
    if any(is_ours(getattr(kind, one, None)) for one in own):
        return False
    asked = [given.get(one, getattr(kind, one)) for one in _KWARGS]
    return not {*asked} & {*names}


def told(pattern, owner, method, said):
    return {
        "route": str(pattern.pattern),
        "owner": f"{owner.__module__}.{owner.__qualname__}",
        "method": method,
        "said": said,
    }


def bare(view):
    """A view without the decorators of Django's, which hand all on as it comes."""
    while hasattr(view, "__wrapped__") and not is_ours(view):
        view = view.__wrapped__
    return view


def is_ours(function):
    """Whether a function is written elsewhere than in Django's own folder."""
    import django

    code = getattr(function, "__code__", None)
    home = os.path.dirname(django.__file__) + os.sep
    return code is not None and not code.co_filename.startswith(home)


def captured(pattern):
    """The names that a route hands on; None where it hands on some without a name."""
    converters = getattr(pattern, "converters", None)
    regex = getattr(pattern, "regex", None)
    if converters:
        return tuple(converters)
    groups = getattr(regex, "groups", 0)
    named = tuple(getattr(regex, "groupindex", ()))
    return named if len(named) == groups else None


def takes(patterns, space="", given=(), depth=0):
    """What each name of a route may be given: the names, with those that have a value.

    Nothing for a name that a route with nameless groups has, too.
    """
    for pattern in patterns:
        taken = captured(pattern.pattern)
        both = None if None in (given, taken) else (*given, *taken)
        inner = getattr(pattern, "url_patterns", None)
        if inner is not None and depth < 5:
            below = getattr(pattern, "namespace", None)
            inside = f"{space}{below}:" if below else space
            yield from takes(inner, inside, both, depth + 1)
        elif getattr(pattern, "name", None):
            known = sorted(getattr(pattern, "default_args", {}))
            yield space + pattern.name, None if both is None else [[*both], known]
