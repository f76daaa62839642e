"""Mistakes that a page shows: made on purpose, opened in a browser, and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import test_mistakes

from tutor.doctor import browsing

pytestmark = [pytest.mark.browser, pytest.mark.takes(90)]


@pytest.fixture(scope="module", autouse=True)
def one_browser(browser_path: Path) -> Iterator[None]:
    """The same for all: starting one takes longer than a page."""
    with browsing.keeping_a_browser():
        yield


@pytest.mark.parametrize("slug", test_mistakes.in_browser())
def test_a_mistake_is_seen_and_named(slug: str, tmp_path: Path) -> None:
    test_mistakes.prove(slug, tmp_path)
