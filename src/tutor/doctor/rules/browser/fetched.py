"""What a script posts with ``fetch``: Django refuses it without the CSRF token."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.attributes import attribute_of
from tutor.doctor.rules.browser.forms import CSRF, FORM, RANK, action_of
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.found import Found

_CHANGES = re.compile(r"""\bmethod\s*:\s*['"`](?:post|put|patch|delete)['"`]""", re.I)
# A path of this server: no scheme, and no host that a variable holds.
_OWN = re.compile(
    r"""['"`](?:/(?!/)|\.{1,2}/|\{%\s*url\b|\w[\w/.-]*['"`])|\{%\s*url\b|/(?!/)"""
)
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
    yield from _not_in_the_form(every)
    yield from _cookie(seen, every)
    yield from _jquery(every)
    for code in every:
        carries = _CARRIES.search(code.script.text)
        for match in re.finditer(r"(?<![\w$.])fetch\s*\(", code.bare):
            given = code.arguments(match.end() - 1)
            if len(given) < 2 or not _is_own(code, code.text(given[0]), every):
                continue
            options = code.text(given[1])
            if carries and not _is_written(code, given[1]):
                continue  # who knows where it puts it
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


_IS_JSON = re.compile(r"\bbody\s*:\s*JSON\s*\.\s*stringify\s*\(")
_ELSEWHERE = re.compile(r"\bfetch\s*=(?!=)|\baxios\b|\b(?:Authorization|Bearer)\b")


def _is_written(code: Code, span: tuple[int, int]) -> bool:
    """Whether a request says all that it sends: its headers, and JSON, no token."""
    options = code.text(span)
    return (
        options.startswith("{")
        and _IS_JSON.search(options) is not None
        and not re.search(r"csrf|\.\.\.|headers\s*[,}]", options, re.I)
        and not _ELSEWHERE.search(code.script.text)
    )


def _is_own(code: Code, told: str, every: list[Code]) -> bool:
    """Whether a URL is one of this server's: written here, or in a page's element."""
    told = code.script.bound.get(told, told).strip()
    told = action_of(code, told, every) or told
    data = _DATA.fullmatch(told)
    if data is None:
        return bool(_OWN.match(told))
    name = re.escape(attribute_of(data[1]))
    given = rf"""\b{name}\s*=\s*["'](?:/(?!/)|\{{%\s*url\b)"""
    return any(re.search(given, one.script.text) for one in every)


_ASKED = re.compile(
    r"(?<![\w$.])([\w$]+)\s*\.\s*(?:querySelector\s*\([^()]*?csrfmiddlewaretoken|"
    r"elements\s*(?:\.\s*|\[\s*['\"`])csrfmiddlewaretoken)"
)


def _not_in_the_form(every: list[Code]) -> Iterator[Found]:
    """``form.querySelector("[name=csrfmiddlewaretoken]")`` of a form without one."""
    for code in every:
        for match in _ASKED.finditer(code.script.text):
            name = re.escape(match[1])
            made = re.search(
                rf"(?<![\w$.]){name}\s*=\s*document\s*\.\s*(?:getElementById\s*\(\s*|"
                r"querySelector\s*\(\s*)['\"`]#?([\w-]+)['\"`]",
                code.script.text,
            )
            ids = rf"\bid\s*=\s*[\"']?{made[1]}\b" if made else r"(?!)"
            for page in every if made else ():
                for form in FORM.finditer(page.script.text):
                    is_it = re.search(ids, form[1])
                    filled = re.search(r"csrf|\{%\s*(?:include|block)", form[2])
                    if is_it and not filled:
                        yield Found(
                            "client-form-without-csrf-token",
                            "null: the form has no field csrfmiddlewaretoken",
                            page.spot(form.start()),
                            RANK,
                            "reading the page's script",
                            "{% csrf_token %} in the form",
                        )
                        return


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


_COOKIE = re.compile(
    r"(?<![\w$])(?:get_?Cookie|readCookie|Cookies\s*\.\s*get)\s*\(\s*(['\"`])"
    r"([\w-]*csrf[\w-]*)\1\s*\)",
    re.I,
)


def _cookie(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    """``getCookie("csrf_token")``; and the right one, where no page ever gives it."""
    if not any(_COOKIE.search(code.spoken) for code in every):
        return
    texts = "".join(one.text for one in seen.source.modules.values())
    if "CSRF_COOKIE_NAME" in texts or "CSRF_USE_SESSIONS" in texts:
        return
    pages = "".join(one.script.text for one in every if not one.script.is_static)
    given = re.search(
        r"\bensure_csrf_cookie\b|\bget_token\b|LoginView|auth\.urls|"
        r"\blogin_required\b|\bLoginRequiredMixin\b",
        texts,
    )
    given = given or re.search(r"csrf_token|csrf_input", pages)
    hidden = re.search(r"^CSRF_COOKIE_HTTPONLY\s*=\s*True\b", texts, re.M)
    for code in every:
        for match in _COOKIE.finditer(code.spoken):
            name, right = match[2], match[2] == "csrftoken"
            if not code.bare[match.start()].strip() or (right and given and not hidden):
                continue
            lost = "no page sets the cookie" if right else "no such cookie"
            if right and hidden:
                lost = "CSRF_COOKIE_HTTPONLY hides the cookie from scripts:"
            yield Found(
                "client-form-without-csrf-token",
                f"Forbidden (CSRF token missing.): {lost} {name}",
                code.spot(match.start()),
                RANK,
                "reading the page's script",
                "{% csrf_token %} in the page, or @ensure_csrf_cookie at its view"
                if right
                else "the cookie csrftoken",
            )
            return


_POSTS = re.compile(r"(?<![\w$.])(?:\$|jQuery)\s*\.\s*(?P<how>post|ajax)\s*\(")
_SETS_UP = re.compile(r"\bajaxSetup\b|\bajaxPrefilter\b|\bajaxSend\b")
_HAS_TOKEN = re.compile(
    r"csrf|\bserialize\w*\s*\(|\bFormData\b|\bheaders\b|\.\.\.", re.I
)


def _jquery(every: list[Code]) -> Iterator[Found]:
    """``$.post("/vote/", { choice })`` without the token in what is sent."""
    if any(_SETS_UP.search(one.spoken) for one in every):
        return
    for code in every:
        for match in _POSTS.finditer(code.bare):
            given = code.arguments(match.end() - 1)
            whole = " ".join(code.text(one) for one in given)
            is_post = re.search(r"""(?:type|method)\s*:\s*['"`]post""", whole, re.I)
            if match["how"] == "ajax" and not is_post:
                continue
            data = code.text(given[1]) if len(given) > 1 else "{}"
            written = match["how"] == "ajax" or data.startswith(("{", "function", "("))
            if written and not _HAS_TOKEN.search(whole) and "://" not in whole:
                yield Found(
                    "client-form-without-csrf-token",
                    "Forbidden (CSRF token missing.)",
                    code.spot(match.start()),
                    RANK,
                    "reading the page's script",
                    "csrfmiddlewaretoken among the data, or the header X-CSRFToken",
                )
                return
