"""What a page may run and connect to, as its Content-Security-Policy says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, sites
from tutor.doctor.rules.browser import scripts
from tutor.doctor.rules.found import Found, Place
from tutor.doctor.source import Function
from tutor.doctor.source.flow import Frame
from tutor.doctor.source.index import is_aside
from tutor.doctor.source.values import ANY, values
from tutor.doctor.source.walking import walk

RANK = 64
HEADER = "content-security-policy"
_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.I | re.S)
_META = re.compile(
    r"<meta\s[^>]*http-equiv=[\"']?content-security-policy[\"']?[^>]*"
    r"\bcontent=\"([^\"]*)\"",
    re.I,
)
# Which no browser runs, or which says itself why it may run.
_SPARED = re.compile(
    r"\bsrc\s*=|\bnonce\b|\btype\s*=\s*[\"']?(?![\"']|module|text/javascript)"
)
Policy = dict[str, list[str]]


def rules(seen: Evidence) -> Iterator[Found]:
    pages = [one for one in scripts.texts(seen) if not one.is_static]
    inline = [
        page.spot(match.start())
        for page in pages
        for match in _SCRIPT.finditer(page.text)
        if match[2].strip() and not _SPARED.search(match[1])
    ]
    opens = any(scripts.NEW.search(one.text) for one in scripts.texts(seen))
    for text, place in _policies(seen, pages):
        policy = parsed(text)
        got = ""
        if inline and refuses_inline(policy):
            file, line = inline[0]
            got = f"the script in {file}, line {line}, is not run"
        elif opens and _source(policy, "connect-src") in (["'none'"], []):
            got = "connect-src: no socket may be opened"
        if got:
            yield Found(
                "client-script-refused-by-policy",
                got,
                place,
                RANK,
                "reading the page's policy",
                "a static script, or a nonce"
                if inline and refuses_inline(policy)
                else "connect-src 'self'",
            )
            return


def parsed(text: str) -> Policy:
    """A policy's directives, each with its sources."""
    parts = [part.split() for part in text.lower().split(";")]
    return {part[0]: part[1:] for part in parts if part}


def _source(policy: Policy, name: str) -> list[str] | None:
    """The sources of a kind; None where all are let in."""
    return policy.get(name, policy.get("default-src"))


def refuses_inline(policy: Policy) -> bool:
    """Whether no script in a page is run, whatever it holds."""
    sources = policy.get("script-src-elem") or _source(policy, "script-src")
    if sources is None:
        return False
    allowed = ("'unsafe-inline'", "'nonce-", "'sha")
    return not any(one.startswith(allowed) for one in sources)


def _policies(
    seen: Evidence, pages: list[scripts.Script]
) -> Iterator[tuple[str, Place]]:
    """The policies that are written out, whoever sends them."""
    for dotted, function in seen.source.functions.items():
        module = function.module
        written = HEADER in module.text.lower() and not is_aside(module.file)
        written = written and "<locals>" not in dotted  # of the one around it
        if not written or _is_idle(seen, function):
            continue
        for node in walk(function.node):
            for value in _given(node):
                told = values(Frame(function, function.owner), value)
                if told and len(told) == 1 and ANY not in (text := next(iter(told))):
                    yield text, (module.file, value.lineno)
    for site in sites(seen.project):
        for one in _below(site.top):
            named = one.name == "add_header" and len(one.args) > 1
            if named and one.args[0].lower() == HEADER and "$" not in one.args[1]:
                yield one.args[1], (site.file, one.line)
    for page in pages:
        for match in _META.finditer(page.text):
            if "{" not in match[1]:
                yield match[1], page.spot(match.start())


def _given(node: ast.AST) -> Iterator[ast.expr]:
    """What a header is given: by its name, by setdefault, or in a table."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and _is_header(target.slice):
                yield node.value
    elif isinstance(node, ast.Call) and len(node.args) == 2:
        if getattr(node.func, "attr", "") == "setdefault" and _is_header(node.args[0]):
            yield node.args[1]
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and _is_header(key):
                yield value


def _is_header(node: ast.expr) -> bool:
    return str(getattr(node, "value", "")).lower() == HEADER


def _is_idle(seen: Evidence, function: Function) -> bool:
    """Whether it is the method of a middleware that the settings do not name."""
    used = [str(name) for name in seen.settings.get("middleware") or []]
    one = function.owner.dotted if function.owner else function.dotted
    is_ware = function.name in ("__call__", "process_response") or "get_response" in {
        arg.arg
        for other in seen.source.functions.values()
        if other.dotted == one
        for arg in other.node.args.args
    }
    return is_ware and one not in used


def _below(one: Directive) -> Iterator[Directive]:
    for inner in one.block:
        yield inner
        yield from _below(inner)
