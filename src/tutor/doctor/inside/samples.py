# mypy: ignore-errors
"""Paths that a project's patterns match, from a few words that may stand in them."""

import types
import uuid

from .matching import text_for

used = {}  # the words that stand in our paths
_WORDS = ("1", "lobby", "7", "room1", "a-b", "2024", str(uuid.UUID(int=7)), "x", "abc")
# What a consumer names that makes a UUID of what stands in its path.
_OF_UUIDS = {"UUID", "is_valid_uuid"}


def sample_of(pattern, callback=None):
    """A path that the pattern matches, or None."""
    regex = getattr(pattern, "regex", None)
    if regex is None:
        return None
    from django.utils import regex_helper

    try:
        candidates = regex_helper.normalize(regex.pattern)
    except Exception:
        return None
    words = words_for(callback) if any(names for _, names in candidates) else _WORDS
    for form, names in candidates[:4]:
        for word in words if names else words[:1]:
            text = form % {name: word for name in names}
            try:
                matched = pattern.match(text)
            except Exception:
                continue
            if matched:
                used.update(dict.fromkeys([word] if names else []))
                return text
    return _narrow(pattern)


def _narrow(pattern):
    """A path for a pattern that none of our words fits, such as ``[A-Z]{4}``."""
    try:
        text, held = text_for(pattern.regex.pattern)
        if not pattern.match(text):
            return None
    except Exception:
        return None
    used.update(dict.fromkeys(held.values()))
    return text


def texts_of(pattern):
    """Paths that the pattern matches, one for each of our words."""
    from django.utils import regex_helper

    try:
        candidates = regex_helper.normalize(pattern.regex.pattern)
    except Exception:
        return []
    texts = [
        form % {name: word for name in names}
        for form, names in candidates[:1]
        for word in _WORDS
    ]
    return [text for text in texts if pattern.regex.search(text)]


def words_for(callback):
    """What may stand in a path, what its consumer can make something of first."""
    found = getattr(callback, "consumer_class", None)
    named, given = names_in(found) if found is not None else (set(), set())
    if not (named & _OF_UUIDS or is_of_uuids(named, given) or has_uuid_keys(named)):
        return _WORDS
    one = uuid.UUID(int=7)
    return (str(one), one.hex, *_WORDS)


def names_in(cls):
    """The names that a class's code uses, and those that it gives to values.

    They stand in what is compiled: to read its source takes a hundred times as long.
    """
    named, given, done = set(), set(), set()
    todo = [one for base in cls.__mro__ for one in vars(base).values()]
    while todo:
        if id(one := todo.pop()) in done:  # its kind may refer to itself
            continue
        done.add(id(one))
        if isinstance(one, types.CodeType):
            named.update(one.co_names)
            given.update(one.co_varnames)
            for each in one.co_consts:
                if isinstance(each, types.CodeType):
                    todo.append(each)
                elif isinstance(each, tuple):  # the names of a call's arguments
                    given.update(text for text in each if isinstance(text, str))
        elif isinstance(one, types.FunctionType):
            todo += one.__code__, vars(one).get("__wrapped__")
        elif isinstance(one, (staticmethod, classmethod)):
            todo.append(one.__func__)
        elif one is not None and not isinstance(one, type):
            todo.append(getattr(one, "__dict__", {}).get("func"))  # sync_to_async's
    return named, given


def is_of_uuids(named, given):
    """Whether something is called a UUID; the module of this name is not."""
    return any(name.endswith("uuid") for name in (named - {"uuid"}) | given)


def has_uuid_keys(named):
    """Whether the models that a consumer asks for rows have UUIDs as keys."""
    if "objects" not in named:
        return False
    try:
        from django.apps import apps

        keys = {
            type(model._meta.pk).__name__
            for model in apps.get_models()
            if model.__name__ in named
        }
    except Exception:
        return False
    return keys == {"UUIDField"}
