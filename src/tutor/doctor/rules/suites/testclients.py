"""How a project's tests are begun, and the clients that ask for pages in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser, Error

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import TRIED, Found, at
from tutor.doctor.rules.routing.reversing import REVERSES
from tutor.doctor.rules.routing.views import asked as answering
from tutor.doctor.rules.routing.views import asks, behind_url
from tutor.doctor.rules.suites.configured import settings_missing
from tutor.doctor.rules.suites.expected import expects_a_refusal
from tutor.doctor.rules.suites.headers import written
from tutor.doctor.rules.suites.testing import COMMUNICATORS, RANK
from tutor.doctor.source import Class, Function, calls
from tutor.doctor.source.flow import Frame, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk
from tutor.doctor.texts import text_of

_SIGNS = ("login", "force_login", "logout")
_VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
_OF_A_TEST = ("self.client", "django.test.Client()", "django.test.client.Client()")
# The section that each file keeps for pytest.
_SECTIONS = {"setup.cfg": "tool:pytest", "pytest.ini": "pytest", "tox.ini": "pytest"}
_LOCAL = re.compile(rb"https?://(localhost|127\.0\.0\.1)")


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _sections(seen)
    yield from settings_missing(seen)
    yield from _nobody_allowed(seen)
    for function in seen.source.functions.values():
        if function.is_async and is_aside(function.module.file):
            yield from _synchronous(seen, function)


def _sections(seen: Evidence) -> Iterator[Found]:
    """``[pytest]`` in setup.cfg, which pytest refuses to read."""
    for folder in dict.fromkeys((seen.home, seen.project)):
        for name, right in _SECTIONS.items():
            found = ConfigParser(interpolation=None, strict=False)
            try:
                found.read_string(text := text_of(folder / name))
            except (OSError, Error, UnicodeDecodeError):
                continue
            wrong = {"pytest", "tool:pytest"} & {*found.sections()} - {right}
            if wrong and right not in found.sections():
                section = f"[{wrong.pop()}]"
                lines = enumerate(text.splitlines(), 1)
                line = next(n for n, one in lines if section in one)
                yield Found(
                    "test-pytest-section-misnamed",
                    f"pytest does not read {section} of {name}",
                    ((folder / name).relative_to(seen.project).as_posix(), line),
                    RANK,
                    "reading the settings of pytest",
                    f"[{right}]",
                )


def _synchronous(seen: Evidence, function: Function) -> Iterator[Found]:
    """``self.client`` in an async test: what it runs may not run in a loop."""
    for call in calls.calls(function.node):
        base, _, method = calls.name_of(call, function).rpartition(".")
        asked = calls.target_of(call, function) is None
        if not asked and (sign := _signs(call, function)):
            base, method, asked = sign[0], sign[1], True
        if base not in _OF_A_TEST:
            continue
        waits = method in _VERBS and _waits(seen, call, function)
        if asked and (method in _SIGNS or waits):
            yield Found(
                "test-sync-client-in-async-test",
                "You cannot use AsyncToSync in the same thread as an async event loop",
                at(function, call),
                RANK - 1,
                TRIED,
                "await self.async_client.…",
            )
            return


def _signs(call: ast.Call, function: Function) -> tuple[str, str] | None:
    """The client and the method with which a helper that is called logs somebody in."""
    helper = calls.target_of(call, function)
    if helper is None or helper.is_async or helper.node.decorator_list:
        return None
    if not is_aside(helper.module.file):
        return None
    for inner in calls.calls(helper.node):
        base, _, method = calls.name_of(inner, helper).rpartition(".")
        if base in _OF_A_TEST and method in _SIGNS and _comes_to(call, helper, inner):
            return base, method
    return None


def _comes_to(call: ast.Call, helper: Function, inner: ast.Call) -> bool:
    """Whether a helper certainly comes to a line: none above asks, or for a user."""
    given = [one.arg for one in helper.node.args.args if one.arg != "self"]
    told = {*given[: len(call.args)], *(word.arg for word in call.keywords)}
    chosen = (ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.IfExp, ast.BoolOp)
    return not any(
        any(part is inner for part in walk(node))
        and not (isinstance(node, ast.If) and getattr(node.test, "id", None) in told)
        for node in walk(helper.node)
        if isinstance(node, chosen)
    )


def _waits(seen: Evidence, call: ast.Call, function: Function) -> bool:
    """Whether the view behind a path waits for something, or asks the database."""
    path, verb = call.args[0] if call.args else None, getattr(call.func, "attr", "")
    if isinstance(path, ast.Name) and len(function.values.get(path.id, ())) == 1:
        path = function.values[path.id][0]
    named = isinstance(path, ast.Call) and path.args
    if named and isinstance(path, ast.Call):
        name = function.module.resolve(path.func, function) or ""
        if name not in REVERSES or not isinstance(path.args[0], ast.Constant):
            return False
        url = f"{{% url '{path.args[0].value!s}' %}}"
        return any(one.is_async or asks(one) for one in behind_url(seen, url, verb))
    if not isinstance(path, ast.Constant) or not isinstance(path.value, str):
        return False
    where = path.value.partition("?")[0]
    return any(one.is_async or asks(one) for one in answering(seen, where, verb))


def _nobody_allowed(seen: Evidence) -> Iterator[Found]:
    """``ALLOWED_HOSTS = []``: with DEBUG off, as in tests, it lets nobody in."""
    hosts, modules = seen.settings.get("hosts"), [*seen.source.modules.values()]
    names = [name for module in modules for name in module.names.values()]
    if (
        hosts != []
        or not seen.settings.get("debug")
        or not any(name.endswith("AllowedHostsOriginValidator") for name in names)
        or any("ALLOWED_HOSTS" in m.text for m in modules if is_aside(m.file))
        or not any(map(_is_for_django, seen.source.classes.values()))
    ):
        return
    for function in seen.source.functions.values():
        if not is_aside(function.module.file) or expects_a_refusal(function):
            continue
        for call in calls.calls(function.node):
            if calls.name_of(call, function) in COMMUNICATORS and _is_local(
                function, call
            ):
                yield Found(
                    "test-hosts-not-allowed",
                    "connected is False",
                    seen.setting("ALLOWED_HOSTS"),
                    RANK,
                    f"reading the client of {function.module.file}",
                    "ALLOWED_HOSTS = ['localhost', '127.0.0.1', '[::1]']",
                )
                return


def _is_for_django(owner: Class) -> bool:
    """Whether Django's own runner finds tests in a class.

    pytest may have imported the application before it turned DEBUG off.
    """
    bases = owner.library_bases() if is_aside(owner.module.file) else ()
    return any(base.endswith("TestCase") for base in bases)


def _is_local(function: Function, call: ast.Call) -> bool:
    """Whether a client of the whole application comes from a page on this machine."""
    named = {word.arg: word.value for word in call.keywords}
    application = call.args[0] if call.args else named.get("application")
    headers = call.args[2] if len(call.args) > 2 else named.get("headers")
    if application is None or headers is None:
        return False
    frame = Frame(function, function.owner)
    where, node = unfold(frame, application)
    made = where.module.resolve(node, where.function) or ""
    _, found = written(frame, headers)
    texts = [
        one.value.encode() if isinstance(one.value, str) else one.value
        for one in (*walk(found), *walk(function.node.args))
        if isinstance(one, ast.Constant) and isinstance(one.value, (bytes, str))
    ]
    return made.endswith("ProtocolTypeRouter()") and any(map(_LOCAL.match, texts))
