"""The checks of the steps: what each proves, in the order in which it is asked."""

from __future__ import annotations

import json
from pathlib import Path

from tutor import pages
from tutor.checks import (
    broadcast,
    carried,
    groups,
    page,
    processes,
    protocol,
    suite,
)
from tutor.checks.facts import PATH, Seen, look
from tutor.checks.question import Ask, Check, Question
from tutor.doctor.child import Event
from tutor.report import Problem


def _loads(seen: Seen) -> str | None:
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


def _own_page(seen: Seen) -> str | None:
    if seen.page.status != 200:
        return f"status {seen.page.status}" if seen.page.status else "no answer"
    return None if seen.page.files else "a page that loads no file of its own"


def _files(seen: Seen) -> str | None:
    for name, status in seen.page.files.items():
        if status != 200:
            return f"status {status} for {name}"
    return _own_page(seen)


def _framed(seen: Seen) -> str | None:
    return f"X-Frame-Options: {seen.page.framing}" if seen.page.framing else None


def _page_opens(seen: Seen) -> str | None:
    """Its socket is ws/whole1/ with its 0; or, from step 10 on, ws/readings/."""
    sockets, heard = seen.page.sockets, seen.page.heard
    if PATH in sockets:
        return None if heard == "0" else f"it hears {heard!r}"
    if groups.PATH not in sockets:
        return f"sockets: {', '.join(sockets) or 'none'}"
    return None if _is_message(heard) else f"it hears {heard!r}"


def _is_message(text: str | bytes | None) -> bool:
    """Whether a text is a message of ws/readings/, and none about a mistake."""
    try:
        return json.loads(text or "").get("type") not in (None, "error")
    except (ValueError, AttributeError):
        return False


def _page_returns(seen: Seen) -> str | None:
    return None if seen.page.again else "it did not come back by itself"


def _one_socket(seen: Seen) -> str | None:
    most = seen.page.most
    return None if most == 1 else f"{most} at the same time" if most else "none"


QUESTIONS: dict[str, tuple[Question, ...]] = {
    "install": (
        Question("manage.py loads the project", "python manage.py check", _loads),
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
            f"a foreign page's knock on {PATH}",
            _refused("foreign"),
        ),
        Question(
            "a missing origin is refused with 403",
            f"a knock on {PATH} without an Origin",
            _refused("missing"),
        ),
        Question(
            "the project's own origin reaches the router",
            f"our own page's knock on {PATH}",
            _let_through,
        ),
        Question("the scope says which user knocks", f"scope['user'] on {PATH}", _user),
        Question("a plain page is answered beside the sockets", "GET /", _served_page),
    ),
    "routing": (
        Question("Daphne starts the application by itself", "daphne", _starts),
        Question("ws/whole1/ reaches a consumer", f"a knock on {PATH}", _reaches),
        Question(
            "a path without a route reaches no consumer",
            "a knock on /ws/nobody/",
            _unknown_path,
        ),
    ),
    "consumer": (
        Question("the handshake is answered with 101", f"a knock on {PATH}", _opens),
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
    "browser": (
        Question("the project has a page of its own at /", "GET /", _own_page),
        Question(
            "runserver serves the page's files", "the files that the page names", _files
        ),
        Question("in development the page may be framed", "GET /", _framed),
        Question(
            "the page opens its socket and hears the first message",
            "the page in a browser",
            _page_opens,
            in_browser=True,
        ),
        Question(
            "it comes back after its server did",
            "the server ended and started again",
            _page_returns,
            in_browser=True,
        ),
        Question(
            "it has one socket at a time",
            "the page in a browser",
            _one_socket,
            in_browser=True,
        ),
    ),
    "protocol": protocol.QUESTIONS,
    "tests": suite.QUESTIONS,
    "groups": broadcast.QUESTIONS,
    "redis": carried.QUESTIONS,
}

KNOWN: frozenset[str] = frozenset(QUESTIONS)
LATER = {"protocol": 8, "tests": 9, "groups": 10, "redis": 11}
NUMBERS: dict[str, int] = {
    slug: LATER.get(slug, number) for number, slug in enumerate(QUESTIONS, 1)
}


def check_step(project: Path, slug: str, *, python: Path | None = None) -> list[Check]:
    """Ask a project everything that one step proves.

    Args:
        project: the folder of ``manage.py``.
        slug: the step, one of ``KNOWN``.
        python: the project's own interpreter; by default ours.

    Returns:
        One check a question, in a fixed order with fixed titles.  Where the
        project cannot be loaded, the first check says so and the others follow.

    Raises:
        KeyError: the slug is not one of ``KNOWN``.
    """
    questions = QUESTIONS[slug]
    number = NUMBERS[slug]
    early = number <= NUMBERS["browser"]  # later ones look at other doors
    served, spoken = early and number >= 4, early and number >= 6
    seen = look(project, served=served, spoken=spoken, python=python)
    if slug == "browser" and _loads(seen) is None:
        seen.page = page.look(project, python)
    if slug == "tests" and _loads(seen) is None:
        seen.suite = suite.look(project, python)
    if slug == "protocol" and _loads(seen) is None:
        seen.protocol = protocol.look(project, python)
    if slug == "groups" and _loads(seen) is None:
        seen.groups = groups.look(project, python)
    if slug == "redis" and _loads(seen) is None:
        seen.processes = processes.look(project, python)
    return judge(questions, seen, number)


def judge(questions: tuple[Question, ...], seen: Seen, number: int) -> list[Check]:
    """What one look at a project says to each question of a step."""
    loads = QUESTIONS["install"][0]
    broken = loads.ask(seen)
    checks = []
    for question in questions:
        looked = seen.page.browser or seen.groups.browser
        if question.in_browser and not (broken or looked):
            checks.append(Check(question.title, None, f"{pages.NONE} to look with"))
            continue
        if not broken and question.needs and (missing := question.needs(seen)):
            checks.append(Check(question.title, None, missing))
            continue
        got = broken or question.ask(seen)
        problem = None
        if got is not None:
            tried = loads.tried if broken else question.tried
            problem = Problem(
                tried, question.title, got, step=number, reread=f"step {number}"
            )
        checks.append(Check(question.title, problem))
    return checks
