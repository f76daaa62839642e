"""A browser for the tests that need one: found, or fetched.

In this order: ``$TUTOR_BROWSER``, Chromium or Chrome on the path, one that
Playwright has fetched before; then ``playwright install chromium``, then the
system's package manager (as root only, never sudo).  `find` stops before the
last two.  ``TUTOR_BROWSER=none`` means: do without one.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tutor import packages
from tutor.report import Refusal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# The same engine without what surrounds a window: a page takes a fifth of the time.
SHELL = "chromium-headless-shell"
NAMES = (
    *(SHELL, "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable"),
)
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
HOW = (
    "TUTOR_BROWSER=/path/to/chromium, "
    "or .venv/bin/python -m playwright install --with-deps chromium"
)


def find() -> Path | None:
    """The browser that is here, or None; looks at files only, starts nothing.

    Raises:
        Refusal: ``TUTOR_BROWSER`` names something that is not there.
    """
    wanted = os.environ.get("TUTOR_BROWSER")
    if wanted == "none":
        return None
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise Refusal(f"TUTOR_BROWSER={wanted}: there is no such program.")
        return Path(found)
    for name in (*NAMES, *MAC):
        if found := shutil.which(name):
            return Path(found)
    return _from_playwright()


def _from_playwright() -> Path | None:
    """The newest Chromium in Playwright's own folder; its headless shell will do."""
    home = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    caches = (
        [Path(home)]
        if home
        else [
            Path.home() / ".cache" / "ms-playwright",
            Path.home() / "Library" / "Caches" / "ms-playwright",
        ]
    )
    patterns = (
        "chromium-*/chrome-linux*/chrome",
        "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
        "chromium_headless_shell-*/*/*headless*shell",
    )
    for pattern in patterns:
        found = [path for cache in caches for path in cache.glob(pattern)]
        if found:
            return max(found, key=lambda path: path.stat().st_mtime)
    return None


def get() -> Path | None:
    """The browser that is here, or one fetched now; None where neither worked."""
    if (found := find()) or os.environ.get("TUTOR_BROWSER") == "none":
        return found
    print("No browser was found; fetching Chromium for the tests.", flush=True)
    playwright = [sys.executable, "-m", "playwright", "install"]
    fetched = packages.quietly([*playwright, "--only-shell", "chromium"])
    if fetched and (found := find()):
        return found
    return find() if any(map(packages.install, (SHELL, "chromium"))) else None


def arguments() -> list[str]:
    """Chromium has no sandbox for root, and a container's /dev/shm is too small."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return [*root, "--disable-dev-shm-usage"]


def launch(playwright: Playwright, path: Path, *more: str) -> Browser:
    """Start the browser without a window, with more arguments if need be."""
    return playwright.chromium.launch(executable_path=path, args=[*arguments(), *more])


def main(argv: list[str]) -> int:
    """``--get`` fetches one where there is none; CI fails without one."""
    found = get() if "--get" in argv else find()
    if found is None:
        print(f"No browser. To get one: {HOW}")
        return 1 if os.environ.get("CI") == "true" else 0
    if "--get" not in argv:
        print(found)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        sys.exit(str(refusal))
