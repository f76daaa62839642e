# mypy: ignore-errors
"""Paths that a project's patterns match, from a few words that may stand in them."""

import inspect
import re
import uuid

from .matching import text_for

used = {}  # the words that stand in our paths
_WORDS = ("1", "lobby", "7", "room1", "a-b", "2024", str(uuid.UUID(int=7)), "x", "abc")

# A consumer that makes a UUID of what stands in its path, or looks a row up by one.
_OF_UUIDS = re.compile(r"\bUUID\(|uuid\s*=[^=]|\bis_valid_uuid\b")


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
    for form, names in candidates[:4]:
        for word in words_for(callback):
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
    try:
        text = inspect.getsource(found) if found is not None else ""
    except (OSError, TypeError):
        text = ""
    if not (_OF_UUIDS.search(text) or has_uuid_keys(text)):
        return _WORDS
    one = uuid.UUID(int=7)
    return (str(one), one.hex, *_WORDS)


def has_uuid_keys(text):
    """Whether the models that a consumer asks for rows have UUIDs as keys."""
    names = set(re.findall(r"\b(\w+)\.objects\b", text))
    try:
        from django.apps import apps

        keys = {
            type(model._meta.pk).__name__
            for model in apps.get_models()
            if model.__name__ in names
        }
    except Exception:
        return False
    return keys == {"UUIDField"}
