"""The rules: each looks at the evidence and names what it recognises."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

from tutor.doctor.evidence import Evidence
from tutor.doctor.remembered import remembering
from tutor.doctor.rules.access import (
    forged,
    halting,
    lateuser,
    logins,
    origins,
    unsaved,
    users,
)
from tutor.doctor.rules.browser import (
    clients,
    everyday,
    grammar,
    pages,
    policies,
    privates,
    rendering,
    unbound,
)
from tutor.doctor.rules.consumers import (
    accepting,
    beginning,
    dates,
    departing,
    dismissing,
    eventkeys,
    generators,
    given,
    givenastext,
    handlers,
    hiding,
    hooks,
    likedicts,
    messages,
    offers,
    outside,
    overriding,
    parsed,
    reading,
    refused,
    returning,
    scopes,
    shown,
    signatures,
    sockets,
    tallies,
    threads,
    unheard,
    unpacked,
    unset,
    wiring,
)
from tutor.doctor.rules.database import (
    columns,
    counters,
    emptytables,
    related,
    rows,
    stored,
    tables,
    unstored,
)
from tutor.doctor.rules.deployment import (
    addresses,
    behind,
    caddy,
    collecting,
    commandargs,
    commands,
    composed,
    databases,
    deployed,
    development,
    elsewhere,
    envfiles,
    hostheader,
    interpreters,
    libraries,
    listed,
    mounts,
    nginxwords,
    nowhere,
    operating,
    passing,
    pinned,
    probes,
    proxy,
    publichosts,
    secrets,
    tools,
    trusting,
    unread,
    whereabouts,
)
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.groups import (
    counting,
    fanout,
    flooding,
    groups,
    jobs,
    keeping,
    oneprocess,
    redisclient,
    registers,
    renamed,
    spreading,
    workers,
)
from tutor.doctor.rules.project import (
    application,
    checks,
    chosen,
    inplace,
    layers,
    loading,
    misnamed,
    settings,
    sometimes,
    switches,
    unreadable,
)
from tutor.doctor.rules.python import (
    arity,
    branches,
    eachof,
    imported,
    namely,
    recursion,
    shadowed,
    slips,
    throughout,
    undefined,
)
from tutor.doctor.rules.routing import (
    narrow,
    reversing,
    unanswered,
    uncaptured,
    urlnames,
    viewfit,
)
from tutor.doctor.rules.suites import (
    committed,
    communicators,
    helped,
    isolation,
    listening,
    livetests,
    marks,
    parsing,
    prepared,
    slow,
    testcases,
    testclients,
    testing,
    testsettings,
    unawaited,
    undone,
)

__all__ = ["Found", "judge"]


_LATER = (
    application,
    origins,
    sockets,
    accepting,
    beginning,
    threads,
    departing,
    reading,
    handlers,
    generators,
    outside,
    hiding,
    eventkeys,
    dismissing,
    returning,
    signatures,
    hooks,
    messages,
    groups,
    renamed,
    counting,
    pages,
    narrow,
    uncaptured,
    clients,
    grammar,
    unbound,
    policies,
    everyday,
    offers,
    columns,
    unreadable,
    testing,
    parsing,
    unawaited,
    unheard,
    communicators,
    helped,
    listening,
    slow,
    dates,
    testcases,
    isolation,
    committed,
    livetests,
    marks,
    undone,
    prepared,
    workers,
    chosen,
    spreading,
    oneprocess,
    fanout,
    registers,
    tallies,
    flooding,
    branches,
    nginxwords,
    proxy,
    passing,
    mounts,
    collecting,
    caddy,
    secrets,
    publichosts,
    hostheader,
    operating,
    probes,
    commands,
    behind,
    nowhere,
    unread,
    whereabouts,
    addresses,
    interpreters,
    elsewhere,
    envfiles,
    deployed,
    listed,
    composed,
    databases,
    development,
    libraries,
    pinned,
    jobs,
    users,
    halting,
    lateuser,
    unsaved,
    logins,
    forged,
    urlnames,
    reversing,
    viewfit,
    switches,
    checks,
    counters,
    emptytables,
    related,
    unpacked,
    unset,
    refused,
    rows,
    tables,
    scopes,
    stored,
    unstored,
    keeping,
    sometimes,
    wiring,
    inplace,
    shown,
    slips,
    shadowed,
    imported,
    undefined,
    arity,
    recursion,
    namely,
    given,
    givenastext,
    parsed,
    likedicts,
    unanswered,
    commandargs,
    overriding,
    throughout,
    eachof,
    redisclient,
    rendering,
    testsettings,
    testclients,
    tools,
    trusting,
)


# What a crash shows where something arrives, and the source where it is made.
_OF_THE_SENDER = (
    "group-message-without-type",
    "group-sends-raw-websocket-event",
    "db-model-instance-in-event",
    "group-name-not-allowed",
)


# What is a consequence of another mistake, and left out where that one is named.
_FOLLOWS = {
    "client-reads-another-key": "consumer-python-text-for-json",
    "client-parses-plain-text-as-json": "consumer-python-text-for-json",
    "consumer-send-before-accept": "consumer-name-hides-method",
    "consumer-endless-loop-in-handler": "consumer-asyncio-sleep-not-awaited",
    "consumer-background-task-not-cancelled": "load-task-cannot-be-cancelled",
}


def judge(seen: Evidence) -> list[Found]:
    """Everything that is recognised, most likely cause first, each once."""
    with remembering():
        found = _judged(seen)
    found.sort(key=lambda one: one.rank)
    known = {one.place for one in found if one.slug and one.place[1]}
    # What nobody knows at a line where something known is wrong is its consequence.
    kept = _once([one for one in found if one.slug or one.place not in known])
    said = {one.slug for one in kept if one.slug}
    kept = [one for one in kept if _FOLLOWS.get(one.slug or "") not in said]
    return [namely.named(privates.written(one)) for one in kept]


def _judged(seen: Evidence) -> list[Found]:
    found = list(loading.rules(seen))
    if found and found[0].slug:
        found += misnamed.rules(seen)  # it may be why
    if not found or found[0].slug is None or seen.alone:
        found += [*settings.rules(seen), *layers.rules(seen)]
    if not found or found[0].rank >= settings.RANK or seen.alone:
        for module in _LATER:
            found += _told(module, seen)
    return found


def _told(module: ModuleType, seen: Evidence) -> Iterator[Found]:
    """What one module says; where it fails itself, the others still say theirs."""
    try:
        yield from module.rules(seen)
    except Exception as error:
        name = module.__name__.rpartition(".")[2]
        text = f"the rules of {name} could not look: {type(error).__name__}: {error}"
        # Our mistake, not the project's: in our own tests it is an error.
        warnings.warn(text, RuntimeWarning, stacklevel=2)


def _once(found: list[Found]) -> list[Found]:
    """Without what was recognised twice: the same mistake, or the same place."""
    kept: list[Found] = []
    for one in found:
        if one.slug is None and any(
            (one.place, one.got) == (other.place, other.got) for other in kept
        ):
            continue
        same = [other for other in kept if one.slug and one.slug == other.slug]
        if same:
            if one.slug in _OF_THE_SENDER and one.place[0] is not None:
                kept[kept.index(same[0])] = replace(same[0], place=one.place)
            continue
        if one.place[1] and any(
            one.place == other.place and other.slug for other in kept
        ):
            continue
        kept.append(one)
    return kept
