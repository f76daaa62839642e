"""The routes: their patterns, what they end at, and whether they lead anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import NOWHERE, Found, Place
from tutor.doctor.rules.project.asgi import RANK, router_place, websocket_place
from tutor.doctor.rules.routing.places import (
    of_pages,
    route_place,
    routing_place,
    url_place,
)

TUTORIAL = "ws/whole1/"


def rules(seen: Evidence) -> Iterator[Found]:
    for leaf in seen.leaves:
        yield from _leaf(seen, leaf)
    for leaf in seen.walk.get("pages") or []:
        if leaf["is"] != "view":
            yield from _leaf(seen, leaf)
            continue
        yield Found(
            "routing-page-among-sockets",
            f"{leaf['type']} is a view, and Django is not asked for it",
            router_place(seen),
            RANK + 1,
            "walking the application",
            "get_asgi_application() under 'http'",
            "Under 'http', too, URLRouter leads to consumers only.",
        )
        break
    yield from _routes(seen)


def _leaf(seen: Evidence, leaf: Event) -> Iterator[Found]:
    tried = f"walking to the route {leaf['sample']}"
    name = (leaf.get("consumer") or leaf["type"]).rpartition(".")[2]
    expected = "a consumer's as_asgi() at the end"
    if leaf["is"] in ("class", "method"):
        got = (
            f"{name}() takes no arguments"
            if leaf["is"] == "class"
            else "a method, not called"
        )
        yield Found(
            "routing-as-asgi-missing",
            got,
            route_place(seen, leaf),
            RANK + 2,
            tried,
            expected,
        )
    elif leaf["is"] == "instance":
        yield Found(
            "routing-consumer-instance",
            f"one {name} for all clients",
            route_place(seen, leaf),
            RANK + 2,
            tried,
            expected,
        )
    elif leaf["is"] == "list" and not leaf["steps"]:
        yield Found(
            "asgi-list-passed-without-urlrouter",
            "'list' object is not callable",
            router_place(seen),
            RANK + 2,
            tried,
            "URLRouter(...) around the list",
        )
    elif leaf["type"].startswith("django.core.handlers") and not leaf["steps"]:
        yield Found(
            "routing-page-among-sockets",
            "Django can only handle ASGI/HTTP connections, not websocket.",
            websocket_place(seen),
            RANK + 2,
            tried,
            expected,
            "Django's own application stands where URLRouter(…) belongs.",
        )
    elif leaf["type"] == "channels.routing.URLRouter" and leaf["is"] == "other-class":
        yield Found(
            "asgi-urlrouter-without-list",
            "URLRouter itself, and no router made of it",
            router_place(seen),
            RANK + 2,
            tried,
            "URLRouter(...) around the list",
        )
    elif leaf["is"] == "other-class":
        yield Found(
            "consumer-base-class-missing",
            f"{name} is no consumer",
            route_place(seen, leaf),
            RANK + 2,
            tried,
            expected,
        )
    elif leaf["steps"] and not leaf["consumer"]:
        page = leaf["type"].startswith(("django.", "rest_framework."))
        if leaf["is"] == "view" or (page and leaf["is"] in ("nothing", "app")):
            yield Found(
                "routing-page-among-sockets",
                f"{leaf['type']} is a page",
                of_pages(seen) or route_place(seen, leaf),
                RANK + 2,
                tried,
                expected,
            )


def _routes(seen: Evidence) -> Iterator[Found]:
    wrong = False
    for index, leaf in enumerate(seen.leaves):
        for found in _pattern(seen, leaf, index):
            wrong = True
            yield found
    yield from _nowhere(seen, wrong)
    yield from _no_page(seen)
    urls = (seen.look.get("urls") or {}).get("consumers", [])
    if urls:
        place = url_place(seen, urls[0]["route"])
        yield Found(
            "routing-consumer-in-urls-py",
            "No route found for path",
            place,
            RANK,
            f"looking for {urls[0]['route']}",
            "consumers in routing.py only",
        )


def _no_page(seen: Evidence) -> Iterator[Found]:
    if seen.aim >= 7 and (seen.look.get("urls") or {}).get("root") is None:
        module = seen.source.modules.get(str(seen.settings.get("urlconf")))
        place: Place = NOWHERE
        if module is not None:
            place = module.file, module.lines.get("urlpatterns")
        got, expected = "the page of a new project", "the project's own page"
        yield Found("client-no-page-at-root", got, place, 60, "GET /", expected)


_PLACE = re.compile(r"localhost|127\\?\.0\\?\.0\\?\.1|://|(?<!\?):\d{2,5}")
# Further in, a name with a dot may be that of a file.
_HOST = re.compile(rf"{_PLACE.pattern}|^\^?[\w-]+(\\?\.[\w-]+)+(:\d+)?/")


def _holds_a_query(step: Event) -> bool:
    """Whether a regular expression asks for a query, however the ``?`` is escaped."""
    if re.search(r"\\\?|[?&]\w+=", step["text"]):
        return True
    path, mark, _ = (step.get("sample") or "").partition("?")
    return bool(mark and step.get("regex")) and not re.search(step["regex"], path)


def _pattern(seen: Evidence, leaf: Event, index: int) -> Iterator[Found]:
    """What is wrong with one route: its text first, then where it leads."""
    tried = f"matching the route {'/'.join(s['text'] for s in leaf['steps'])}"
    expected = "a path that a browser can ask for"
    before = ""
    for number, step in enumerate(leaf["steps"]):
        text, plain = step["text"], step["text"].lstrip("^")
        is_path = step["pattern"] == "RoutePattern"
        slug = None
        if step.get("wrong"):
            slug = "routing-pattern-not-compiled"
        elif plain.startswith("/"):
            slug = "routing-leading-slash-in-pattern"
        elif is_path and re.search(
            r"\^|\$$|\(\?P|\\[dw.]|\.\*|\[[^]]+\][+*]|\)\$?$", text
        ):
            slug = "routing-regex-inside-path"
        elif not is_path and re.search(
            r"<(?:\w+:)?\w+>", re.sub(r"\(\?P<\w+>", "", text)
        ):
            slug = "routing-converter-inside-re-path"
        elif is_path and re.search(r"\{\w+(:\w+)?\}|(^|/):\w+(/|$)", text):
            slug = "routing-parameter-misspelled"  # as other frameworks write it
        elif "?" in text if is_path else _holds_a_query(step):
            slug = "routing-query-string-in-pattern"
        elif (_PLACE if number else _HOST).search(text):
            slug = "routing-host-in-pattern"
        elif before and plain.startswith(before):
            slug = "routing-prefix-twice"
        elif step["hidden"] and is_path and step["endpoint"]:
            slug = "routing-middleware-between-nested-routers"
        elif not is_path and number + 1 < len(leaf["steps"]) and plain.endswith("$"):
            slug = "routing-prefix-with-end"
        if slug:
            got = f"No route found for path, though {text!r} is there"
            twice = slug == "routing-prefix-twice" and not _alone(seen, leaf, number)
            last = number if twice else number + 1
            steps = leaf["steps"][:last]
            inner = leaf["consumer"] if last == len(leaf["steps"]) else ""
            place = route_place(seen, {"steps": steps, "consumer": inner})
            yield Found(slug, got, place, RANK + 3, tried, expected)
            return
        before = plain.rstrip("$")
    reached = leaf.get("reached")
    if reached is not None and reached != index and leaf["steps"]:
        other = seen.leaves[reached]
        first = "/".join(step["text"] for step in other["steps"])
        if first != "/".join(step["text"] for step in leaf["steps"]):
            yield Found(
                "routing-greedy-route-first",
                f"{leaf['sample']} is answered by {first!r}",
                route_place(seen, other),
                RANK + 3,
                tried,
                expected,
            )
        elif other.get("consumer") != leaf.get("consumer"):
            yield Found(
                "routing-path-listed-twice",
                f"{first!r} stands there twice",
                route_place(seen, leaf),
                RANK + 3,
                tried,
                expected,
            )


def _alone(seen: Evidence, leaf: Event, number: int) -> bool:
    """Whether routes beside a step go without the prefix that it has once more."""
    outer = leaf["steps"][number - 1]["text"]
    prefix = outer.strip("^$")
    beside = [
        other["steps"][number]["text"].lstrip("^")
        for other in seen.leaves
        if len(other["steps"]) > number and other["steps"][number - 1]["text"] == outer
    ]
    return any(not text.startswith(prefix) for text in beside)


def _nowhere(seen: Evidence, wrong: bool) -> Iterator[Found]:
    """No route leads to a consumer, or none where the tutorial's clients knock."""
    if (
        wrong
        or not seen.walk.get("protocols")
        or "websocket" not in seen.walk["protocols"]
    ):
        return
    own = [one for one in seen.source.consumers() if not _is_base(seen, one.dotted)]
    routed = [leaf for leaf in seen.leaves if leaf["is"] != "empty"]
    if (
        (own or seen.aim >= 5)
        and not routed
        and not (seen.look.get("urls") or {}).get("consumers")
    ):
        yield Found(
            "routing-list-empty",
            "No route found for path",
            routing_place(seen),
            RANK + 4,
            "walking the routes",
            "a route to each consumer",
        )
    for leaf in routed:
        text = "".join(step["text"] for step in leaf["steps"])
        plain = re.sub(r"[\^$]", "", text)
        paths = [other["sample"].lstrip("/") for other in routed]
        if TUTORIAL in paths or plain == TUTORIAL:
            return
    for leaf in routed:
        plain = leaf["sample"].lstrip("/")
        if seen.near(plain, [TUTORIAL], 0.8) and "PracticeConsumer" in str(
            leaf["consumer"]
        ):
            slug = "client-path-differs-from-route"
            if plain == TUTORIAL.rstrip("/"):
                slug = "client-no-trailing-slash"
            yield Found(
                slug,
                f"No route found for path {TUTORIAL!r}.",
                route_place(seen, leaf),
                RANK + 4,
                f"a knock on /{TUTORIAL}",
                "101 Switching Protocols",
                f"The route says {plain!r}.",
            )
            return


def _is_base(seen: Evidence, dotted: str) -> bool:
    return any(dotted in one.bases for one in seen.source.classes.values())
