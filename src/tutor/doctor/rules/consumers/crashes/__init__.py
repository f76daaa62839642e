"""What an exception in a socket's application means."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path, PurePath

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import members
from tutor.doctor.rules.consumers import offers
from tutor.doctor.rules.consumers.closing import may_close
from tutor.doctor.rules.consumers.crashes.crash import Crash, deepest_own
from tutor.doctor.rules.consumers.crashes.handled import left
from tutor.doctor.rules.consumers.crashes.kinds import by_type, no_coroutine
from tutor.doctor.rules.consumers.crashes.ours import (
    OF_TYPES,
    is_nested,
    is_of_the_message,
)
from tutor.doctor.rules.consumers.crashes.refined import refined
from tutor.doctor.rules.consumers.crashes.unhandled import no_handler
from tutor.doctor.rules.consumers.lines import Cause, group_name
from tutor.doctor.rules.consumers.texts import TEXTS
from tutor.doctor.rules.found import GENERIC, Found, Place, deepest, last_line
from tutor.doctor.rules.project import layers
from tutor.doctor.rules.project.asgi import not_called, router_place
from tutor.doctor.source import Function

__all__ = ["Crash", "explain"]

RANK = 50
UNMIGRATED = "auth-migrations-not-applied"
UNWRITTEN = "db-migration-missing"
DOWN = "redis-server-not-running"
# What is wrong with the place where it runs, and mended there while we look.
OF_THE_PLACE = (UNMIGRATED, UNWRITTEN, DOWN, "redis-password-missing")
# What is said after an accept that named what nobody had offered.
_REFUSED = re.compile(r"'handshake_deferred'|Socket has not been accepted")
CLOSED = "Attempt to send on a closed protocol"


def explain(seen: Evidence, crash: Crash) -> Found | None:
    """The mistake behind a crash; None where the crash is the client's own fault."""
    if crash.signed and members.is_ours(crash.links, crash.told):
        return None
    crash = replace(crash, links=left(seen, crash.links))
    place = seen.place(deepest_own(crash.links))
    got = last_line(crash.links)
    every = " ".join(link["text"] for link in crash.links)
    tried, expected = _said(crash)
    tried += ", after a login" if crash.signed else ""
    found = _cause(seen, crash, every, place)
    if found is None:
        return None
    slug, at, hint = found
    if crash.signed and slug in OF_TYPES and is_of_the_message(seen, crash, slug):
        return None
    if slug and slug.startswith("redis-hosts"):
        got = last_line(crash.links[:1])  # the layer says it while it looks for a pool
    if slug == DOWN:  # else it is what the loop ended with
        down = [one for one in crash.links if "Connect" in one["type"]]
        got = last_line(down) if down else got
    rank = RANK + (0 if slug else 9)
    if slug == DOWN:
        rank = 90  # of the place where it runs, and no line of it would change
    if slug is None and crash.told == "websocket.disconnect":
        rank = 77  # its client has gone, and sees nothing of it
    if slug in (
        "consumer-asyncio-run-in-async",
        "group-async-to-sync-in-async-consumer",
    ):
        rank = 44  # what is thrown away after it is its consequence
    if slug in (
        "consumer-unvalidated-input-closes-socket",
        "consumer-binary-frame-keyerror",
        "consumer-validation-error-not-caught",
    ):
        rank = 78
    milder = ""
    if slug == UNMIGRATED:
        rank = 90  # of the place where it runs; what is wrong in a file comes first
        if _is_fresh(seen):  # as it comes from git: a warning, too, says more
            milder = "There is no database yet: nobody has run migrate here."
    return Found(slug, got, at, rank, tried, expected, hint, milder)


def _no_table(seen: Evidence, text: str, place: Place) -> tuple[str, Place, str]:
    """A table that ``migrate`` makes, or that no migration speaks of."""
    table = re.search(r"no such table: (?:main\.)?(\w+)", text)
    for app in map(str, seen.settings.get("apps") or []):
        label = app.rpartition(".")[2]
        models = seen.source.modules.get(f"{app}.models")
        if table and models is not None and table[1].startswith(f"{label}_"):
            if any(one.startswith(f"{app}.migrations") for one in seen.source.modules):
                break
            hint = f"The app {label} has no folder migrations, so it must be named: "
            hint += f"python manage.py makemigrations {label}."
            return UNWRITTEN, (models.file, None), hint
    return UNMIGRATED, place, ""


def _is_fresh(seen: Evidence) -> bool:
    """Whether there is no database at all, of a project that has migrations."""
    databases = (seen.settings.get("databases") or {}).values()
    names = [PurePath(one["name"]).name for one in databases if one.get("name")]
    kept = any((home / name).exists() for name in names for home in _homes(seen))
    return not kept and any(
        ".migrations." in f".{name}" for name in seen.source.modules
    )


def _homes(seen: Evidence) -> set[Path]:
    return {seen.home, seen.project, seen.home / "data", seen.project / "data"}


def _said(crash: Crash) -> tuple[str, str]:
    path = crash.leaf.get("sample", "")
    if crash.told == "websocket.connect":
        return f"a knock on {path}", "101 Switching Protocols"
    if crash.told == "websocket.disconnect":
        return f"closing the socket {path}", "a consumer that ends by itself"
    kind = "a binary message" if crash.phase == "binary" else "a text message"
    return f"{kind} to {path}", "an answer, and an open socket"


def _cause(seen: Evidence, crash: Crash, every: str, place: Place) -> Cause | None:
    if any(_is_of_the_query(seen, link) for link in crash.links):
        return None  # our clients say nothing there; the pages do
    handler = re.search(r"No handler for message type ([\w.]+)", every)
    if handler:
        return no_handler(seen, crash, handler[1])
    short = re.search(r"(\w+)\.(\w+)\(\) takes 1 positional argument but 2 w", every)
    method = _method(seen, short[1], short[2]) if short else None
    if method is not None and method.name not in GENERIC and place[0] is None:
        line = method.module.file, method.node.lineno
        return "consumer-handler-without-event", line, ""
    if re.search(
        r"takes no arguments|object \w+ can't be used in 'await'|were given", every
    ):
        awaited = no_coroutine(seen, crash, every, place)
        if awaited:
            return awaited
    layer = re.search(
        r"'NoneType' object has no attribute "
        r"'(group_(?:add|discard|send)|send|receive)'",
        every,
    )
    if layer or "BACKEND is unconfigured" in every:
        found = next(layers.no_layers(seen, "", ""), None)
        if found:
            return found.slug, found.place, found.hint
    if "InvalidChannelLayerError" in str([link["type"] for link in crash.links]):
        return (
            layers.error({}, crash.links),
            seen.used("CHANNEL_LAYERS"),
            "",
        )
    if "must be a list of possible keys" in every:
        return "redis-encryption-keys-is-text", seen.used("CHANNEL_LAYERS"), ""
    if "list of Redis hosts" in every:
        return "redis-hosts-is-a-string", seen.used("CHANNEL_LAYERS"), ""
    if "Redis URL must specify" in every:
        return "redis-url-without-scheme", seen.used("CHANNEL_LAYERS"), ""
    if "__init__() got an unexpected keyword argument 'hosts'" in every:
        return "settings-inmemory-layer-with-hosts", seen.used("CHANNEL_LAYERS"), ""
    if "Group name must be" in every or "group name" in every.lower():
        return group_name(seen, place)
    if "no such table" in every:
        if crash.phase == "typed":
            return None  # where nobody has migrated yet
        return _no_table(seen, every, place)
    if "Apps aren't loaded yet" in every and (uncalled := not_called(seen)):
        return "asgi-get-asgi-application-not-called", uncalled, ""
    if "SECRET_KEY setting must not be empty" in every:
        return "settings-variable-missing", seen.setting("SECRET_KEY"), ""
    if place[0] is None and re.search(r"'(list|tuple|set)' object is not call", every):
        return "asgi-list-passed-without-urlrouter", router_place(seen), ""
    if re.search(
        r"No route found|Django can only handle|No application configured", every
    ):
        return None  # walking the application says why
    if CLOSED in every and not crash.over:
        return None  # its client has gone
    if crash.phase == "binary" and re.search(
        r"receive\w*\(\).*bytes_data|No text section", every
    ):
        return None  # what the library does with it, and says so
    if _REFUSED.search(every) and offers.chosen(seen, crash.leaf.get("consumer")):
        return None  # our clients offer none; what the pages offer is compared there
    if "async_generator can't be used in 'await'" in every:
        mine = crash.links[-1]["frames"][-1:] and crash.links[-1]["frames"][-1]["own"]
        slug = "consumer-await-on-no-coroutine" if mine else "consumer-handler-yields"
        return slug, place, ""
    if crash.links[-1]["type"] == "IndexError":
        taken = offers.takes(seen, crash.leaf, place)
        if taken is not False:
            return (offers.SLUG, place, "") if taken else None
    for slug, pattern in TEXTS:
        if slug == "auth-is-authenticated-called" and not _asks_who(seen, place):
            continue
        if slug == "consumer-json-not-parsed" and not _own_last(crash):
            continue
        if slug in OF_TYPES and is_nested(seen, crash, place):
            continue
        if slug == "consumer-message-is-no-dict" and _indexes(crash):
            continue
        if slug == "group-wrong-channel-joined" and not _joins(seen, place):
            continue
        if slug == "consumer-close-code-not-allowed" and _may_close(seen, place):
            continue
        if slug == "auth-request-or-self-user" and _sets_it(seen, crash, every):
            continue
        if re.search(pattern, every):
            return refined(seen, crash, slug, place)
    return by_type(seen, crash, place)


def _joins(seen: Evidence, place: Place) -> bool:
    """Whether a line enters a channel into a group."""
    names = {getattr(node, "attr", "") for node in seen.nodes_at(place)}
    return "group_add" in names


def _asks_who(seen: Evidence, place: Place) -> bool:
    """Whether a line calls what Django's users have as an attribute."""
    called = (getattr(node, "func", None) for node in seen.nodes_at(place))
    return any(re.match(r"is_", getattr(func, "attr", "")) for func in called)


def _sets_it(seen: Evidence, crash: Crash, every: str) -> bool:
    """Whether a consumer has set what it lacks, on another way than this one."""
    owner = seen.consumer_class(crash.leaf.get("consumer"))
    lacks = re.search(r"object has no attribute '(\w+)'", every)
    return bool(owner and lacks and owner.assigned(lacks[1]))


def _is_of_the_query(seen: Evidence, link: Event) -> bool:
    """Whether a key was looked for in what stands behind a question mark."""
    place = seen.place(deepest([link]))
    function = seen.function_at(place)
    if link["type"] != "KeyError" or function is None:
        return False
    for node in seen.nodes_at(place):
        if not (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and repr(node.slice.value) == link["text"]
        ):
            continue
        held = node.value
        made = function.values.get(held.id, []) if isinstance(held, ast.Name) else []
        parts = " ".join(ast.unparse(one) for one in [held, *made])
        if re.search(r"parse_qsl?\(|\bQueryDict\(", parts):
            return True
    return False


def _method(seen: Evidence, owner: str, name: str) -> Function | None:
    """A method of a consumer, by the names that Python says."""
    for one in seen.source.consumers():
        if one.name == owner and one.method(name) is not None:
            return one.method(name)
    return None


def _may_close(seen: Evidence, place: Place) -> bool:
    """Whether the server that the project is for lets the code of a line through."""
    codes = [
        getattr(arg, "value", None)
        for node in seen.nodes_at(place)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "close"
        for arg in [*node.args, *(word.value for word in node.keywords)]
    ]
    return any(isinstance(code, int) and may_close(seen, code) for code in codes)


def _indexes(crash: Crash) -> bool:
    """Whether the project's own line asks something for a key that has numbers."""
    last = crash.links[-1]
    own = bool(last["frames"]) and bool(last["frames"][-1]["own"])
    return own and "indices must be" in last["text"]


def _own_last(crash: Crash) -> bool:
    """Whether the project's own line raised it, on a text message."""
    frames = crash.links[-1]["frames"]
    return bool(frames) and frames[-1]["own"] and crash.phase not in ("binary", "typed")
