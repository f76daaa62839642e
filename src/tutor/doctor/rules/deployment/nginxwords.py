"""What nginx refuses to read: it does not start then, or keeps its old words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive, sites
from tutor.doctor.rules.deployment.proxy import TRIED
from tutor.doctor.rules.deployment.served import RANK
from tutor.doctor.rules.found import Found

# What stands in blocks like ours, as nginx spells it; no word of any module is
# spelt almost like one of these.
_WORDS = (
    *("access_log", "add_header", "alias", "client_max_body_size", "error_log"),
    *("expires", "include", "index", "listen", "location", "proxy_buffering"),
    *("proxy_connect_timeout", "proxy_http_version", "proxy_pass", "proxy_redirect"),
    *("proxy_read_timeout", "proxy_send_timeout", "proxy_set_header", "return"),
    *("root", "server", "server_name", "ssl_certificate", "ssl_certificate_key"),
    "try_files",
)
_FILLED = re.compile(r"\{[{%]|<%")  # a template: what nginx reads is made of it
_COUNTS = {"proxy_pass": 1, "proxy_http_version": 1, "proxy_set_header": 2}
_COUNTS |= {"alias": 1, "root": 1, "ssl_certificate": 1, "ssl_certificate_key": 1}


def rules(seen: Evidence) -> Iterator[Found]:
    for site in sites(seen.project):
        text = (seen.project / site.file).read_text(encoding="utf-8")
        if not any(site.servers()) or _FILLED.search(text):
            continue
        for one in site.every():
            if told := _refusal(one):
                got, expected = told
                spot = site.file, one.line
                got = f"nginx: [emerg] {got}"
                yield Found("nginx-file-refused", got, spot, RANK + 1, TRIED, expected)
                return


def _refusal(one: Directive) -> tuple[str, str] | None:
    """What nginx says of it, and what would be right; None where it can read it."""
    if not one.is_ended:
        return 'unexpected "}"', f"a semicolon after {one.name}"
    swallowed = next((word for word in one.broken if word in _WORDS), None)
    if swallowed and one.name in _WORDS:
        got = f'"{swallowed}" is taken for a part of "{one.name}"'
        if one.name in _COUNTS:
            got = f'invalid number of arguments in "{one.name}" directive'
        return got, f"a semicolon before {swallowed}"
    wanted = _COUNTS.get(one.name)
    if wanted and len(one.args) != wanted and not one.block:
        got = f'invalid number of arguments in "{one.name}" directive'
        return got, f"{wanted} after {one.name}, and quotes around spaces"
    target = one.args[0] if one.args else "$"
    if one.name == "proxy_pass" and not re.match(r"https?://|\$", target):
        return "invalid URL prefix", f"http:// before {target}"
    return _misspelt(one)


def _misspelt(one: Directive) -> tuple[str, str] | None:
    outer = one.outer.name if one.outer is not None else ""
    if one.name in _WORDS or outer not in ("server", "location"):
        return None
    near = difflib.get_close_matches(one.name, _WORDS, 1, 0.86)
    if not near or one.name.endswith(f"_{near[0]}"):
        return None
    return f'unknown directive "{one.name}"', near[0]
