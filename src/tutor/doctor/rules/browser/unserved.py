"""Static files that nobody serves, for the app that does so is not installed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import sites
from tutor.doctor.rules.browser.imports import STATIC
from tutor.doctor.rules.browser.javascript import Code
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found

RANK = 64
_PLAIN = re.compile(r"\bsrc\s*=\s*[\"']/?static/([\w./-]+)[\"']")
_APP = "django.contrib.staticfiles"


def rules(seen: Evidence, every: list[Code]) -> Iterator[Found]:
    apps = [str(one) for one in seen.settings.get("apps") or []]
    served = [*(seen.settings.get("middleware") or []), *apps]
    if not apps or any(one.startswith(_APP) for one in apps):
        return
    if "whitenoise" in str(served).lower():
        return
    texts = [one.text for one in seen.source.modules.values()]
    if any(re.search(r"\bstaticfiles_urlpatterns\b|\bstatic\s*\(", t) for t in texts):
        return
    if any(True for _ in sites(seen.project)):
        return  # another server may do so
    for page in every:
        for match in [
            *STATIC.finditer(text := page.script.text),
            *_PLAIN.finditer(text),
        ]:
            last = match[1].rpartition("/")[2]
            there = [
                path
                for path in seen.home.rglob(last)
                if path.as_posix().endswith(f"/static/{match[1]}")
            ]
            if there:
                yield Found(
                    "client-static-file-not-there",
                    f"404 for {match[1]}",
                    seen.setting("INSTALLED_APPS"),
                    RANK,
                    TRIED,
                    f"'{_APP}' among the apps",
                    "Without the app staticfiles, nothing serves the folders static.",
                )
                return
