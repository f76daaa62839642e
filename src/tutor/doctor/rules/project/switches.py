"""Switches that the environment turns: a text where a yes or a no is due."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tutor.doctor.commands import commands, variables
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.project.asgi import called
from tutor.doctor.source.flow import Frame, body, unfold
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.walking import walk

RANK = 66
TRIED = "reading the settings"
_ASKS = ("os.environ.get", "os.getenv", "decouple.config")
_NO = {"0", "false", "no", "off", "n", "f", "none"}


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _always_on(seen)
    yield from _inverted(seen)
    yield from _nobody_there(seen)
    yield from _plain_origins(seen)


_SECURE = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT")


def _inverted(seen: Evidence) -> Iterator[Found]:
    """What only https needs, below ``if DEBUG:``."""
    for module in seen.source.modules.values():
        for node in module.tree.body if "DEBUG" in module.values else ():
            if not isinstance(node, ast.If) or getattr(node.test, "id", "") != "DEBUG":
                continue
            for inner in node.body:
                names = [getattr(t, "id", "") for t in getattr(inner, "targets", ())]
                value = getattr(getattr(inner, "value", None), "value", None)
                if {*names} & {*_SECURE} and value is True:
                    yield Found(
                        "auth-session-cookie-secure-over-http",
                        f"{names[0]} holds in development, and not in production",
                        (module.file, inner.lineno),
                        RANK,
                        TRIED,
                        "if not DEBUG:",
                    )
                    return


def _nobody_there(seen: Evidence) -> Iterator[Found]:
    """A branch that turns DEBUG off, and lets in nobody."""
    for module in seen.source.modules.values():
        if "ALLOWED_HOSTS" in module.changed or "DEBUG" not in module.values:
            continue
        later = False
        for node in reversed(module.tree.body):
            later = later or "ALLOWED_HOSTS" in _given([node])
            for branch in _branches(node) if not later else ():
                given = _given(branch)
                debug, hosts = given.get("DEBUG"), given.get("ALLOWED_HOSTS")
                off = isinstance(debug, ast.Constant) and debug.value is False
                if off and isinstance(hosts, ast.List) and not hosts.elts:
                    yield Found(
                        "origin-allowed-hosts-empty-in-production",
                        "every page and socket is refused",
                        (module.file, hosts.lineno),
                        RANK,
                        TRIED,
                        "the plain names under which the site is visited",
                    )
                    return


def _branches(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The branches of an ``if``, and of its ``elif``s."""
    if isinstance(node, ast.If):
        yield node.body
        yield node.orelse
        for inner in node.orelse if len(node.orelse) == 1 else ():
            yield from _branches(inner)


def _given(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """What some statements assign, by names."""
    return {
        str(getattr(target, "id", "")): node.value
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }


def _plain_origins(seen: Evidence) -> Iterator[Found]:
    """Origins of plain http, where every page is sent on to https."""
    call = called(seen, "OriginValidator")
    module = seen.source.modules.get(str(seen.settings.get("module") or ""))
    if call is None or module is None or "SECURE_SSL_REDIRECT" not in module.lines:
        return
    named = {
        node.attr
        for given in call.node.args[1:]
        for node in walk(given)
        if isinstance(node, ast.Attribute)
    }
    for value in (v for name in sorted(named) for v in module.values.get(name, [])):
        texts = [n for n in walk(value) if isinstance(n, ast.JoinedStr)]
        begun = {str(getattr(one.values[0], "value", "")): one for one in texts}
        if "http://" in begun and "https://" not in begun:
            yield Found(
                "origin-validator-scheme-or-port-mismatch",
                "pages come over https, and their origins begin with http://",
                (module.file, begun["http://"].lineno),
                RANK,
                TRIED,
                "https:// before each host",
            )
            return


def _always_on(seen: Evidence) -> Iterator[Found]:
    """``DEBUG = bool(os.environ.get("DEBUG", True))`` is on, whatever is said."""
    for module in seen.source.modules.values():
        if is_aside(module.file):
            continue
        for value in module.values.get("DEBUG", []):
            frame, asked = unfold(Frame(body(module)), value)
            name = frame.module.resolve(getattr(asked, "func", None), frame.function)
            if name == "builtins.bool" and isinstance(asked, ast.Call) and asked.args:
                frame, asked = unfold(frame, asked.args[0])
            told = _told(asked, frame)
            if told is None:
                continue
            variable, otherwise = told
            if otherwise or _says_no(seen, variable):
                yield Found(
                    "deploy-debug-cannot-be-off",
                    f"{variable}=False leaves DEBUG on",
                    (module.file, value.lineno),
                    RANK,
                    TRIED,
                    "a comparison with one text",
                )
                return


def _told(asked: ast.expr, frame: Frame) -> tuple[str, bool] | None:
    """The variable that decides, and whether DEBUG is on without it."""
    if not isinstance(asked, ast.Call):
        return None
    name = frame.module.resolve(asked.func, frame.function) or ""
    words = {word.arg: word.value for word in asked.keywords}
    if name not in _ASKS or "cast" in words or not asked.args:
        return None
    variable = getattr(asked.args[0], "value", None)
    otherwise = asked.args[1] if len(asked.args) > 1 else words.get("default")
    if not isinstance(variable, str):
        return None
    return variable, bool(getattr(otherwise, "value", False))


def _says_no(seen: Evidence, variable: str) -> bool:
    """Whether a file of the project gives the variable a word that means no."""
    given = [value for _, _, key, value in variables(seen.project) if key == variable]
    for one in commands(seen.project):
        given += [value for key, (value, _) in one.env.items() if key == variable]
    return any(value.strip("'\"").lower() in _NO for value in given)
