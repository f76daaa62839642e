"""What Django's own checks refuse, by the setting or the field that they name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Found, Place, last_line

RANK = 59
ERROR = 40  # Django's number for it
TRIED = "python manage.py check"
_NAMED = re.compile(r"\b[A-Z][A-Z0-9_]{3,}\b")
_KNOWN = {"4_0.E001": "deploy-trusted-origin-without-scheme"}
_OF_THE_ADMIN = re.compile(
    r"admin\.E4(?:0[1-9]|1\d)"
)  # its apps, middleware, templates
_ELSEWHERE = ("daphne.", "templates.")  # other rules say more of them


def rules(seen: Evidence) -> Iterator[Found]:
    yield from _refused(seen)
    said: set[tuple[str, Place]] = set()  # a list is refused for each of its entries
    for one in (seen.look.get("problems") or {}).get("found", []):
        name = str(one["id"])
        place = _field(seen, one)
        if name == "fields.W161" and place[0]:
            yield Found(
                "db-default-called",
                f"({name}) Fixed default value provided.",
                place,
                RANK,
                TRIED,
                "the function itself, which is called for each row",
            )
        elif one["level"] >= ERROR and not name.startswith(_ELSEWHERE):
            admin = _OF_THE_ADMIN.match(name)
            place = place if place[0] else _setting(seen, str(one["text"]))
            if admin and not place[0]:
                place = seen.setting("INSTALLED_APPS")
            if place[1] and (name, place) not in said:
                said.add((name, place))
                got = f"({name}) {str(one['text']).splitlines()[0]}"
                slug = "apps-admin-without-its-parts" if admin else _KNOWN.get(name)
                yield Found(slug, got, place, RANK, TRIED, "no error of the checks")


def _refused(seen: Evidence) -> Iterator[Found]:
    """The checks themselves have failed, by a setting that they name."""
    failed = seen.failed(seen.look, "problems", "templates")
    outer = failed["error"][:1] if failed else []  # Django's own words
    place = _setting(seen, outer[0]["text"]) if outer else (None, None)
    asked = {frame.get("module") for one in outer for frame in one.get("frames", ())}
    if not place[1] and "django.contrib.staticfiles.finders" in asked:
        place = seen.setting("STATICFILES_DIRS")
    if place[1]:
        right = "no error of the checks"
        yield Found(None, last_line(outer), place, RANK, TRIED, right)


def _setting(seen: Evidence, text: str) -> Place:
    """Where a setting is written that a check names."""
    names = seen.settings.get("names") or []
    told = [name for name in _NAMED.findall(text) if name in names]
    return seen.setting(told[0]) if told else (None, None)


def _field(seen: Evidence, one: Event) -> Place:
    """Where a model's field is written that a check names."""
    model, field = one.get("model"), one.get("field")
    for known in seen.source.classes.values():
        if known.dotted != model:
            continue
        for node in known.node.body:
            if isinstance(node, ast.Assign) and any(
                getattr(target, "id", "") == field for target in node.targets
            ):
                return known.module.file, node.lineno
    return None, None
