"""What a script posts with ``fetch``: Django refuses it without the CSRF token."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.forms import CSRF, RANK
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.found import Found

_CHANGES = re.compile(r"""\bmethod\s*:\s*['"`](?:post|put|patch|delete)['"`]""", re.I)
# A path of this server: no scheme, and no host that a variable holds.
_OWN = re.compile(r"""['"`](?:/(?!/)|\.{1,2}/|\{%\s*url\b|\w[\w/.-]*['"`])""")
# The token itself, a form with its fields, or another kind of login.
_CARRIES = re.compile(r"csrf|\bFormData\b|Authorization|axios|\bheaders\b\s*[,}]", re.I)
_MADE = re.compile(r"\bheaders\s*:\s*[^{\s]|\.\.\.")
_EXEMPT = re.compile(r"\bcsrf_exempt\b|\brest_framework\b|\bninja\b|\bgraphene\b")


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    if CSRF not in (seen.settings.get("middleware") or []):
        return
    if any(_EXEMPT.search(one.text) for one in seen.source.modules.values()):
        return
    for code in every:
        if _CARRIES.search(code.script.text):
            continue  # who knows where it puts it
        for match in re.finditer(r"(?<![\w$.])fetch\s*\(", code.bare):
            given = code.arguments(match.end() - 1)
            if len(given) < 2 or not _OWN.match(code.text(given[0])):
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
