"""What one edit of a right project makes wrong: read in the source, or in a crash."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from looked import LEAF, USER, evidence, said

from tutor.doctor.child import Told
from tutor.doctor.rules.browser import rendering
from tutor.doctor.rules.consumers import crashes, loops
from tutor.doctor.rules.project import layers, misnamed, unreadable


@pytest.mark.parametrize("alias", ["jobs", "slow"])
def test_the_layer_of_a_consumer(alias: str, tmp_path: Path) -> None:
    text = USER.replace("HERE", f"pass\n    channel_layer_alias = {alias!r}")
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    wrong = [("layer-alias-unknown", "orders/sockets.py", 8)]
    assert said(layers.rules(seen)) == (wrong if alias == "jobs" else [])
    # A layer that is there is not said to be missing.
    assert said(layers.no_layers(seen, "", "")) == said(layers.rules(seen))


@pytest.mark.parametrize(
    ("line", "more", "wrong"),
    [
        ("DATABASE = {}", "", True),
        ("DATABASE = {}", "DATABASES = DATABASE", False),
        ("LANGUAGE = 'de'", "", True),
        ("LANGUAGE = 'de'", "print(LANGUAGE)", False),
        ("LANGUAGE_LEVEL = 'A1'", "", False),
        ("DATABASES = {}", "", False),
        ("SECRET = 'x'", "", True),
        ("SECRET = 'x'", "SECRET_KEY = SECRET", False),
    ],
)
def test_a_setting_that_nobody_reads(
    line: str, more: str, wrong: bool, tmp_path: Path
) -> None:
    files = {"shop/settings.py": f"{line}\n{more}\n"}
    names = [one.split()[0] for one in (line, more) if " = " in one]
    known = ["DATABASES", "LANGUAGES", "LANGUAGE_CODE", "SECRET_KEY"]
    seen = evidence(tmp_path, files, names=names, defaults=known)
    found = said(misnamed.rules(seen))
    assert found == [("settings-name-misspelled", "shop/settings.py", 1)] * wrong


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("orders/tests/test_it.py", "def test(:\n", True),
        ("orders/management/commands/send.py", "class Command\n", True),
        ("orders/tests/test_it.py", "class {{ name }}:\n", False),
        ("old/notes.py", "print 1\n", False),
    ],
)
def test_a_file_that_is_loaded_later(
    file: str, text: str, wrong: bool, tmp_path: Path
) -> None:
    seen = evidence(tmp_path, {file: text})
    python = {"kind": "python", "version": [*sys.version_info[:3]]}
    seen.look = Told([*seen.look.events, python])
    assert said(unreadable.rules(seen)) == [("python-syntax-error", file, 1)] * wrong
    python["version"] = [2, 7, 18]
    assert [*unreadable.rules(seen)] == []


@pytest.mark.parametrize(
    ("owner", "slug"),
    [
        ("AsyncWebsocketConsumer", "consumer-missing-await-on-send"),
        ("object", "db-decorated-function-not-awaited"),
    ],
)
def test_a_call_that_is_handed_on_unawaited(
    owner: str, slug: str, tmp_path: Path
) -> None:
    text = USER.replace("(AsyncWebsocketConsumer)", f"({owner})")
    text = text.replace("HERE", "return super().__call__(1, 2, 3)")
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    at = {"file": "orders/sockets.py", "line": 7, "name": "connect", "own": True}
    event = {"kind": "unawaited", "name": "AsyncConsumer.__call__", "at": at}
    seen.serve = Told([event])
    (found,) = loops._unawaited(seen)
    assert found.slug == slug


def test_a_method_that_only_the_library_calls(tmp_path: Path) -> None:
    text = "class Health:\n    def process_view(self, request):\n        pass\n"
    seen = evidence(tmp_path, {"orders/health.py": text})
    told = "Health.process_view() takes 2 positional arguments but 5 were given"
    link = {"type": "TypeError", "module": "builtins", "text": told, "at": None}
    link |= {"bases": ["TypeError"], "frames": []}
    seen.serve = Told([{"kind": "page-failed", "path": "/", "error": [link]}])
    found = [one for one in said(rendering.rules(seen)) if one[0]]
    assert found == [("python-arguments-differ", "orders/health.py", 2)]


@pytest.mark.parametrize(
    ("kind", "told", "slug"),
    [
        ("TypeError", "'list' object is not callable", "asgi-list-passed"),
        ("TypeError", "'Queue' object is not callable", None),
        ("AttributeError", "'Orders' object has no attribute 'app'", "auth-middlew"),
        ("AttributeError", "'Gauge' object has no attribute 'increase'", None),
    ],
)
def test_whose_fault_a_crash_in_a_call_is(
    kind: str, told: str, slug: str | None, tmp_path: Path
) -> None:
    text = "class Orders:\n    async def __call__(self, scope, receive, send):\n"
    seen = evidence(tmp_path, {"orders/sockets.py": text + "        self.app\n"})
    at = {"file": "orders/sockets.py", "line": 3, "name": "__call__", "own": True}
    link = {"type": kind, "module": "builtins", "text": told, "bases": [kind]}
    link |= {"at": at, "frames": [at]} if kind == "AttributeError" else {}
    link = {"at": None, "frames": [], **link}
    crash = crashes.Crash([link], "websocket.connect", "", LEAF | {"steps": []})
    found = crashes.explain(seen, crash)
    assert found is not None
    assert str(found.slug).startswith(slug or "None")


@pytest.mark.parametrize(
    ("name", "line", "kind", "refused"),
    [
        ("connect", "raise ValueError('who?')", "ValueError", True),
        ("let_in", "raise PermissionDenied('who?')", "PermissionDenied", True),
        ("let_in", "raise ValueError('who?')", "ValueError", False),
        ("connect", "int('who?')", "ValueError", False),
    ],
)
def test_who_is_refused_by_an_exception(
    name: str, line: str, kind: str, refused: bool, tmp_path: Path
) -> None:
    text = USER.replace("connect", name).replace("HERE", line)
    seen = evidence(tmp_path, {"orders/sockets.py": text})
    at = {"file": "orders/sockets.py", "line": 7, "name": name, "own": True}
    link = {"type": kind, "module": "builtins", "text": "who?", "at": at}
    link |= {"bases": [kind], "frames": [at]}
    crash = crashes.Crash([link], "websocket.connect", "", LEAF)
    found = crashes.explain(seen, crash)
    assert found is not None and found.place == ("orders/sockets.py", 7)
    assert (found.slug == "auth-refused-by-an-exception") is refused
