"""What a script posts with ``fetch``: Django refuses it without the CSRF token."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.attributes import attribute_of
from tutor.doctor.rules.browser.forms import CSRF, RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.found import Found

_CHANGES = re.compile(r"""\bmethod\s*:\s*['"`](?:post|put|patch|delete)['"`]""", re.I)
# A path of this server: no scheme, and no host that a variable holds.
_OWN = re.compile(r"""['"`](?:/(?!/)|\.{1,2}/|\{%\s*url\b|\w[\w/.-]*['"`])""")
# The token itself, a form with its fields, or another kind of login.
_CARRIES = re.compile(r"csrf|\bFormData\b|Authorization|axios|\bheaders\b\s*[,}]", re.I)
_MADE = re.compile(r"\bheaders\s*:\s*[^{\s]|\.\.\.")
_DATA = re.compile(r"(?:[\w$]+\.)+dataset\.([\w$]+)")
_HEADERS = re.compile(r"(?<![\w$.])headers\s*:\s*\{")
_CSRF_KEY = re.compile(r"""(?:^|[{,\s])(["']?)([\w-]*csrf[\w-]*)\1\s*:""", re.I)
_RIGHT = "x-csrftoken"
_EXEMPT = re.compile(r"\bcsrf_exempt\b|\brest_framework\b|\bninja\b|\bgraphene\b")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    if CSRF not in (seen.settings.get("middleware") or []):
        return
    if any(_EXEMPT.search(one.text) for one in seen.source.modules.values()):
        return
    yield from _misnamed(seen, every)
    for code in every:
        if _CARRIES.search(code.script.text):
            continue  # who knows where it puts it
        for match in re.finditer(r"(?<![\w$.])fetch\s*\(", code.bare):
            given = code.arguments(match.end() - 1)
            if len(given) < 2 or not _is_own(code, code.text(given[0]), every):
                continue
            options = code.text(given[1])
            if _CHANGES.search(options) and not _MADE.search(options):
                yield Found(
                    "client-form-without-csrf-token",
                    "Forbidden (CSRF token missing.)",
                    code.spot(match.start()),
                    RANK,
                    "reading the page's script",
                    "the token in the header X-CSRFToken",
                    "A script sends it in a header: X-CSRFToken.",
                )
                return


def _is_own(code: Code, told: str, every: list[Code]) -> bool:
    """Whether a URL is one of this server's: written here, or in a page's element."""
    told = code.script.bound.get(told, told).strip()
    data = _DATA.fullmatch(told)
    if data is None:
        return bool(_OWN.match(told))
    name = re.escape(attribute_of(data[1]))
    given = rf"""\b{name}\s*=\s*["'](?:/(?!/)|\{{%\s*url\b)"""
    return any(re.search(given, one.script.text) for one in every)


def _misnamed(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """The token in a header that Django does not read: ``X-CSRF-Token``."""
    if "CSRF_HEADER_NAME" in "".join(m.text for m in seen.source.modules.values()):
        return
    for code in every:
        for match in _HEADERS.finditer(code.bare):
            begin, end = match.end() - 1, code.pairs.get(match.end() - 1, 0)
            keys = [
                (one[2], begin + one.start(2))
                for one in _CSRF_KEY.finditer(code.script.text[begin:end])
            ]
            if keys and not any(name.lower() == _RIGHT for name, _ in keys):
                yield Found(
                    "client-form-without-csrf-token",
                    f"Forbidden (CSRF token missing.): {keys[0][0]} is not looked at",
                    code.spot(keys[0][1]),
                    RANK,
                    "reading the page's script",
                    "the token in the header X-CSRFToken",
                )
                return
