"""``{{ … }}`` for Vue or Angular, which Django fills first, and with nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.layouts import whole_of
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found
from tutor.doctor.source.walking import walk

RANK = 66
SLUG = "client-mustache-filled-by-django"
_OTHERS = re.compile(
    r"\s(?:v-(?:for|model|if|else|show|on|bind|html|text)\b[\w:.-]*|@[a-z]+(?:\.\w+)*|"
    r"ng-[a-z]+)(?:=|[\s>])|\bVue\s*\.\s*createApp\b|\bnew\s+Vue\s*\(|\bcreateApp\s*\("
)
_LOOP = re.compile(r"""\sv-for\s*=\s*["']\s*\(?([\w$,\s]+?)\)?\s+(?:in|of)\s""")
_VERBATIM = re.compile(r"\{%\s*(verbatim|comment)\b.*?\{%\s*end\1\b[^%]*%\}", re.S)
_FILLED = re.compile(r"\{\{\s*([A-Za-z_$][\w$]*)([^{}]*)\}\}")
_SCRIPT = re.compile(r"<script\b.*?</script", re.S | re.I)
_KNOWN = {"user", "request", "csrf_token", "perms", "messages", "forloop", "block"}


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    if any("delimiters" in code.spoken for code in every):
        return
    pages = [code for code in every if not code.script.is_static]
    for page in pages:
        text = _blanked(_VERBATIM, page.script.text)
        if not _OTHERS.search(whole_of(page, every)):
            continue
        loops = {
            word
            for match in _LOOP.finditer(page.script.text)
            for word in re.findall(r"[\w$]+", match[1])
        }
        known = _KNOWN | _of_django(seen, pages)
        for match in _FILLED.finditer(_blanked(_SCRIPT, text)):
            name = match[1]
            if name not in known and (name in loops or _is_spoken(name, every)):
                yield Found(
                    SLUG,
                    f"Django finds no {name}, and leaves nothing of {match[0]}",
                    page.spot(match.start()),
                    RANK,
                    TRIED,
                    "{% verbatim %} … {% endverbatim %} around it",
                )
                return


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _of_django(seen: Evidence, pages: list[Code]) -> set[str]:
    """The names that tags make, that scripts are given, and that views may give."""
    found = {
        word
        for page in pages
        for match in re.finditer(
            r"\{%\s*(?:for\s+(.*?)\s+in\b|(?:with|include)\b(.*?)%\}|.*?\bas\s+(\w+)\s*%\})",
            page.script.text,
        )
        for word in re.findall(r"\w+", " ".join(one or "" for one in match.groups()))
    }
    for page in pages:
        for script in _SCRIPT.finditer(page.script.text):
            found |= {match[1] for match in _FILLED.finditer(script[0])}
        found |= set(re.findall(r"\{\{\s*(\w+)\s*\|\s*json_script", page.script.text))
    for module in seen.source.modules.values():
        if re.search(r"\brender|\bcontext|_name\s*=|\bgeneric\b", module.text):
            for node in walk(module.tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
                elif isinstance(node, ast.keyword) and node.arg:
                    found.add(node.arg)
    return found


def _is_spoken(name: str, every: list[Code]) -> bool:
    """Whether a script keeps something under this name, as for a component."""
    word = re.escape(name)
    return any(
        re.search(rf"(?<![\w$.]){word}\s*[:(=]|\bthis\s*\.\s*{word}\b", code.bare)
        for code in every
    )
