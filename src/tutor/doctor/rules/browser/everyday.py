"""What goes wrong in pages and their scripts, whatever comes through the socket."""

from __future__ import annotations

from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import (
    eventparts,
    fetchedkeys,
    hidden,
    htmxfields,
    inline,
    javascript,
    jsontexts,
    loadorder,
    loginform,
    neverrun,
    nopage,
    promises,
    quoted,
    reloading,
    selectors,
    unserved,
    unset,
    widgets,
)
from tutor.doctor.rules.found import Found


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.leaves and not seen.walk.get("protocols"):
        return
    every = [*seen.once(javascript.of_pages)]
    yield from loadorder.rules(seen, every)
    yield from nopage.rules(seen, every)
    yield from neverrun.rules(every)
    yield from hidden.rules(seen)
    yield from promises.rules(every)
    yield from selectors.rules(seen)
    yield from eventparts.rules(every)
    yield from quoted.rules(every)
    yield from unset.rules(every)
    yield from unserved.rules(seen, every)
    yield from jsontexts.rules(seen, every)
    yield from fetchedkeys.rules(seen, every)
    yield from loginform.rules(seen, every)
    yield from htmxfields.rules(seen, every)
    yield from widgets.rules(every)
    yield from inline.rules(every)
    yield from reloading.fetches(every)
