"""Steps 1 to 6: what each proves, in the order in which it is asked."""

from __future__ import annotations

from tutor.checks.facts import Seen
from tutor.checks.question import Ask, Question
from tutor.checks.talk import PRACTICE
from tutor.doctor.child import Event


def loads(seen: Seen) -> str | None:
    failed = seen.failure("django", "manage.py", "settings", "apps", "starting")
    if failed is None:
        return (
            None if seen.fact("settings-module") else seen.told.out[-300:] or "nothing"
        )
    return _said(failed)


def _said(failed: Event) -> str:
    if failed["kind"] == "hang":
        return f"no end after {failed['seconds']} seconds"
    links = failed.get("error") or []
    return f"{links[0]['type']}: {links[0]['text']}" if links else "no command was run"


def _no_problems(seen: Seen) -> str | None:
    failed = seen.failure("problems")
    if failed:
        return _said(failed)
    found = seen.fact("problems").get("found", [])
    return f"({found[0]['id']}) {found[0]['text']}" if found else None


def _page(seen: Seen) -> str | None:
    failed = seen.failure("page")
    status = seen.fact("page").get("status")
    if failed or status is None:
        return _said(failed) if failed else "no answer"
    return None if status < 500 else f"status {status}"


def _app_there(seen: Seen) -> str | None:
    facts = seen.fact("apps")
    if facts.get("installed") or facts.get("there"):
        return None
    return "no folder with an app beside manage.py"


def _owner(command: str, package: str) -> Ask:
    def ask(seen: Seen) -> str | None:
        owners = seen.fact("commands").get(command)
        if owners is None:
            return f"Unknown command: '{command}'"
        if any(owner.startswith(package + ".") for owner in owners):
            return None
        return f"it belongs to {owners[0]}"

    return ask


def _app_installed(seen: Seen) -> str | None:
    facts = seen.fact("apps")
    if facts.get("installed"):
        return None
    return f"installed are {', '.join(facts.get('order', [])) or 'none'}"


def _application(seen: Seen) -> str | None:
    failed = seen.failure("find_application")
    if failed:
        return _said(failed)
    name = seen.fact("asgi").get("name")
    if not name:
        return "You have not set ASGI_APPLICATION"
    if seen.fact("application").get("callable"):
        return None
    return f"{name!r}, which names no application"


def _layer(seen: Seen) -> str | None:
    failed = seen.failure("layer")
    if failed:
        return _said(failed)
    got = seen.fact("layer").get("got")
    return (
        None
        if got == 7
        else "no channel layer is configured"
        if got is None
        else str(got)
    )


def _starts(seen: Seen) -> str | None:
    if seen.started:
        return None
    lines = [line for line in seen.log.splitlines() if line.strip()]
    return lines[-1] if lines else "it ended"


def _refused(who: str) -> Ask:
    def ask(seen: Seen) -> str | None:
        status = getattr(seen.talk, who)
        return None if status == 403 else f"status {status}" if status else "no answer"

    return ask


def _let_through(seen: Seen) -> str | None:
    knock = seen.fact("knock")
    if not knock:
        failed = seen.failure("conversation")
        return _said(failed) if failed else "no answer"
    if knock.get("user") is None and not knock.get("consumer"):
        return _first(knock)
    return None


def _first(knock: Event) -> str:
    if knock.get("error"):
        return f"{knock['error'][0]['type']}: {knock['error'][0]['text']}"
    first = (knock.get("first") or {}).get("type")
    return "status 403" if first == "websocket.close" else str(first or "no answer")


def _user(seen: Seen) -> str | None:
    return None if seen.fact("knock").get("user") else "no 'user' in the scope"


def _served_page(seen: Seen) -> str | None:
    status = seen.talk.page
    if status is None:
        return "no answer"
    return None if status < 500 else f"status {status}"


def _reaches(seen: Seen) -> str | None:
    knock = seen.fact("knock")
    return None if knock.get("consumer") else _first(knock)


def _unknown_path(seen: Seen) -> str | None:
    consumer = seen.fact("nobody").get("consumer")
    return f"{consumer} was reached" if consumer else None


def _opens(seen: Seen) -> str | None:
    status = seen.talk.own
    return None if status == 101 else f"status {status}" if status else "no answer"


def _greets(seen: Seen) -> str | None:
    if seen.talk.greeting == "0":
        return None
    return "nothing" if seen.talk.greeting is None else repr(seen.talk.greeting)


def _answers(seen: Seen) -> str | None:
    return _numbers(seen, seen.talk.answers, 2)


def _each_its_own(seen: Seen) -> str | None:
    if seen.talk.second[:1] not in ([], ["0"]):
        return f"the second client was greeted with {seen.talk.second[0]!r}"
    return _numbers(seen, seen.talk.second, 2)


def _numbers(seen: Seen, got: list[str | bytes | None], wanted: int) -> str | None:
    for text in got:
        if not (isinstance(text, str) and text.isdecimal() and 0 <= int(text) <= 100):
            return "nothing" if text is None else repr(text)
    if len(got) < wanted:
        code = seen.talk.closed
        return f"the socket was closed with {code}" if code else "nothing"
    return None


def _nobody_waits(seen: Seen) -> str | None:
    seconds = seen.fact("stood-still").get("seconds", 0)
    return (
        None if seconds < 0.25 else f"the whole server stood still for {seconds:.1f} s"
    )


def _ends(seen: Seen) -> str | None:
    left = seen.fact("left")
    if left.get("ended"):
        return None
    if left.get("error"):
        return f"{left['error'][0]['type']}: {left['error'][0]['text']}"
    return "the consumer went on after its client had gone"


QUESTIONS: dict[str, tuple[Question, ...]] = {
    "install": (
        Question("manage.py loads the project", "python manage.py check", loads),
        Question(
            "Django finds no error in the project", "manage.py check", _no_problems
        ),
        Question("a plain page is answered by Django", "GET /", _page),
        Question(
            "the project has an app of its own",
            "the packages beside manage.py",
            _app_there,
        ),
    ),
    "installed-apps": (
        Question(
            "runserver belongs to Daphne",
            "manage.py runserver",
            _owner("runserver", "daphne"),
        ),
        Question(
            "runworker belongs to Channels",
            "manage.py runworker",
            _owner("runworker", "channels"),
        ),
        Question(
            "the project's own app is installed", "INSTALLED_APPS", _app_installed
        ),
    ),
    "settings": (
        Question(
            "ASGI_APPLICATION names an application", "ASGI_APPLICATION", _application
        ),
        Question(
            "a message sent on a channel is received from it",
            "a message on the default channel layer",
            _layer,
        ),
    ),
    "asgi": (
        Question("Daphne starts the application by itself", "daphne", _starts),
        Question(
            "a foreign origin is refused with 403",
            f"a foreign page's knock on {PRACTICE}",
            _refused("foreign"),
        ),
        Question(
            "a missing origin is refused with 403",
            f"a knock on {PRACTICE} without an Origin",
            _refused("missing"),
        ),
        Question(
            "the project's own origin reaches the router",
            f"our own page's knock on {PRACTICE}",
            _let_through,
        ),
        Question(
            "the scope says which user knocks", f"scope['user'] on {PRACTICE}", _user
        ),
        Question("a plain page is answered beside the sockets", "GET /", _served_page),
    ),
    "routing": (
        Question("Daphne starts the application by itself", "daphne", _starts),
        Question("ws/whole1/ reaches a consumer", f"a knock on {PRACTICE}", _reaches),
        Question(
            "a path without a route reaches no consumer",
            "a knock on /ws/nobody/",
            _unknown_path,
        ),
    ),
    "consumer": (
        Question(
            "the handshake is answered with 101", f"a knock on {PRACTICE}", _opens
        ),
        Question("the first message is the text 0", "the first message", _greets),
        Question(
            "each message is answered with a number from 0 to 100",
            "two messages",
            _answers,
        ),
        Question(
            "a second client is answered beside the first", "two clients", _each_its_own
        ),
        Question(
            "while one client is answered, nobody waits",
            "a message, and a clock",
            _nobody_waits,
        ),
        Question("a client that leaves ends its consumer", "closing the socket", _ends),
    ),
}
