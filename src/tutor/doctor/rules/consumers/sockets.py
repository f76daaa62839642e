"""What the running server did: pages that fail, handlers that hang, crashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tutor.doctor.answers import Client
from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import strangers
from tutor.doctor.rules.consumers import crashes, loops, unheard
from tutor.doctor.rules.consumers.dropped import message
from tutor.doctor.rules.consumers.loops import busy, endless
from tutor.doctor.rules.found import Found, Place, at, deepest, last_line
from tutor.doctor.rules.groups import fanout
from tutor.doctor.rules.groups.workers import LISTS
from tutor.doctor.source import Class, calls

_ENDS = ("disconnect", "websocket_disconnect")
SLOW = 0.8  # seconds for a consumer that cleans up
CLOSING, SURE = 1, 2  # after which our server cancels it, and has done so for certain


def rules(seen: Evidence) -> Iterator[Found]:
    if not seen.answers.asked:
        return
    yield from _pages(seen)
    for client in seen.answers.bare:
        for one in _story(seen, client):
            if one.slug in crashes.OF_THE_PLACE:
                yield one
    for client in seen.answers.everyone:
        yield from _story(seen, client)
    yield from loops.rules(seen)


def _pages(seen: Evidence) -> Iterator[Found]:
    """A page that fails before Django has answered it."""
    event = seen.serve.get("http-failed")
    if event is None or "http" not in (seen.walk.get("protocols") or {}):
        return
    if seen.walk["protocols"]["http"].get("is") == "not-called":
        return
    text, slug = event["error"][-1]["text"], None
    if "SECRET_KEY setting must not be empty" in text:
        place, slug = seen.setting("SECRET_KEY"), "settings-variable-missing"
        yield Found(slug, last_line(event["error"]), place, 48, "GET /", "a page")
        return
    if "on a non-WebSocket connection" in text:
        slug = "origin-validator-around-everything"
    place = seen.place(deepest(event["error"]))
    if place[0] is None:
        place = seen.asgi_file, None
        module = seen.source.modules.get(seen.asgi_module)
        if module is not None:
            place = seen.asgi_file, module.lines.get("application")
    yield Found(
        slug, last_line(event["error"]), place, 48 if slug else 59, "GET /", "a page"
    )


def _story(seen: Evidence, client: Client) -> Iterator[Found]:
    events = [e for e in seen.serve.events if e.get("conn") == client.tag]
    leaf = seen.leaf_of(client.path)
    owner = seen.consumer_class(leaf.get("consumer"))
    told = [e["type"] for e in events if e["kind"] == "told"]
    sent = [e for e in events if e["kind"] == "sent"]
    failed = next((e for e in events if e["kind"] == "failed"), None)
    for one in sent:
        yield from message(seen, one, client)
    kinds = [e["type"] for e in sent]
    if "websocket.accept" in kinds[1:] and kinds[0] == "websocket.close":
        place = _place(owner, "websocket_connect", "connect")
        tried, expected = f"a knock on {client.path}", "a refusal, and no more"
        got = "close, and then accept"
        slug = "auth-close-without-return"
        yield Found(slug, got, place, 50, tried, expected)
    accepted = any(e["type"] in ("websocket.accept", "websocket.close") for e in sent)
    idle = max((e["told"] for e in events if e["kind"] == "idle"), default=0)
    early = failed is not None and told[-1:] != ["websocket.disconnect"]
    if idle >= 1 and told and not accepted and not early:
        yield _never_accepts(seen, owner, client)
        return
    if failed:
        phase = client.phases[-1][0] if client.phases else ""
        last = told[-1] if told else "websocket.connect"
        frames = [f["name"] for link in failed["error"] for f in link["frames"]]
        leaving = {"disconnect", "websocket_disconnect"} & {*frames}
        over = "websocket.close" in kinds or bool(leaving)
        crash = crashes.Crash(
            failed["error"], last, phase, leaf, over, bool(client.signed)
        )
        found = crashes.explain(seen, crash)
        # Else it was not raised by a handler, but by what is done after all of them.
        handled = "dispatch" in frames
        went_on = strangers.refused(seen, told, sent) if handled else None
        if went_on and found and found.slug in (None, "auth-anonymous-users-accepted"):
            function = seen.function_at(went_on)
            if function is None or function.name in ("close", "websocket_close"):
                went_on = _place(owner, "websocket_connect", "connect")
            slug = "auth-close-without-return"
            yield replace(found, slug=slug, place=went_on, rank=50)
        elif found:
            refused = kinds == ["websocket.close"] and handled and not leaving
            if refused and found.slug is None:
                # It was refused, and what it lacks is what it was refused for.
                got = f"it goes on after close: {found.got}"
                slug = "auth-close-without-return"
                found = replace(found, slug=slug, got=got, rank=50)
            yield found
        return
    if told and idle < 1 and not accepted and client.quiet:
        yield from busy(seen, owner, client, told)
    if client.quiet and idle < len(told):
        found = endless(seen, client, told)
        if found:
            yield found
            return
    if "websocket.disconnect" in told and client.status == 101:
        yield from _ending(seen, owner, client, events, told)


def _place(owner: Class | None, *names: str) -> Place:
    if owner is None:
        return None, None
    for name in names:
        method = owner.method(name)
        if method is not None:
            return method.module.file, method.node.lineno
    return owner.module.file, owner.node.lineno


def _never_accepts(seen: Evidence, owner: Class | None, client: Client) -> Found:
    tried, expected = f"a knock on {client.path}", "101 Switching Protocols"
    got = "no answer: the connection is dropped after five seconds"
    if owner is not None and owner.kind.endswith(("generic", "json")):
        method = owner.method("websocket_connect")
        if method is not None:
            return Found(
                "consumer-generic-websocket-connect-overridden",
                got,
                _place(owner, "websocket_connect"),
                58,
                tried,
                expected,
            )
    left = _calls_its_leaving(owner) if owner is not None else None
    return Found(
        "consumer-never-accepts",
        got,
        left or _place(owner, "websocket_connect", "connect"),
        58,
        tried,
        expected,
        "To refuse a client is close(): disconnect() only hears that it has left."
        if left
        else "",
    )


def _calls_its_leaving(owner: Class) -> Place | None:
    """Where a consumer calls its own handler of the end, meaning to end the socket."""
    for name in ("websocket_connect", "connect"):
        method = owner.method(name)
        for call in calls.calls(method.node) if method is not None else ():
            assert method is not None
            if calls.name_of(call, method) in (
                "self.disconnect",
                "self.websocket_disconnect",
            ):
                return at(method, call)
    return None


def _ending(
    seen: Evidence,
    owner: Class | None,
    client: Client,
    events: list[Event],
    told: list[str],
) -> Iterator[Found]:
    """Did the consumer end when its client had gone?"""
    tried, expected = (
        f"closing the socket {client.path}",
        "a consumer that ends by itself",
    )
    got = "Application instance took too long to shut down and was killed."
    gone = told.index("websocket.disconnect") + 1
    if any(e["kind"] == "idle" and e["told"] >= gone for e in events):
        generic = owner is not None and owner.kind.endswith(("generic", "json"))
        slug = "consumer-no-stopconsumer"
        if generic:
            slug = "consumer-generic-websocket-disconnect-overridden"
        place = _place(owner, "websocket_disconnect", "dispatch", "disconnect")
        yield Found(slug, got, place, 56, tried, expected)
        return
    blocked = [event for event in seen.serve.all("blocked") if event["at"]]
    if any(event["at"]["name"] not in _ENDS for event in blocked):
        return  # it may have waited for what somebody else did
    if _others_work(seen, events):
        return  # in the one thread that all synchronous work shares
    if _layer_held_it(seen, events):
        return
    lasted = _lasted(events, max((event["seconds"] for event in blocked), default=0))
    if (client.quiet == "disconnect") if lasted is None else lasted > SLOW:
        place = _place(owner, "websocket_disconnect", "disconnect")
        waits = list(unheard.kept_going(owner)) if owner is not None else []
        if waits:
            yield waits[0]  # it waits for what nobody has cancelled
            return
        if any(map(fanout.goes_on, seen.source.all_functions())):
            return  # it waits for a task that does not end
        # What the source says for certain comes first.
        yield Found("consumer-slow-work-in-disconnect", got, place, 77, tried, expected)


def _layer_held_it(seen: Evidence, events: list[Event]) -> bool:
    """Whether a consumer ended as it was cancelled, and no handler heard of that.

    A layer of lists that is still connecting may take the first cancellation for
    itself; it goes on to ask until the second one comes from the server.
    """
    gone = next(e for e in events if e.get("type") == "websocket.disconnect")
    (end,) = [e for e in events if e["kind"] in ("killed", "ended")][:1] or [gone]
    told: dict[str, object] = seen.settings.get("layers") or {}
    lists = any(
        isinstance(o, dict) and o.get("BACKEND") == LISTS for o in told.values()
    )
    return lists and end["kind"] == "ended" and CLOSING <= end["t"] - gone["t"] < SURE


def _others_work(seen: Evidence, events: list[Event]) -> bool:
    """Whether a message of another client was being handled when this one left."""
    own = {event.get("conn") for event in events}
    gone = next(e for e in events if e.get("type") == "websocket.disconnect")
    last: dict[str, Event] = {}
    for event in seen.serve.events:
        of, when = event.get("conn"), event.get("t")
        if of and of not in own and when is not None and when <= gone.get("t", 0):
            last[of] = event
    return any(
        event["kind"] == "told" and event.get("type") != "websocket.disconnect"
        for event in last.values()
    )


def _lasted(events: list[Event], blocked: float) -> float | None:
    """Seconds from the news that the client has gone to the end of the consumer.

    Args:
        events: what came of one client.
        blocked: seconds for which the handler let the loop stand still.

    Returns:
        What the loop has lived and was blocked, whatever the machine took away; None
        without an end.
    """
    gone = next(e for e in events if e.get("type") == "websocket.disconnect")
    ends = [e for e in events if e["kind"] in ("killed", "ended")]
    return float(ends[0]["lived"] - gone["lived"] + blocked) if ends else None
