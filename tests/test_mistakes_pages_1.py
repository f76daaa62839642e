"""Mistakes that a page shows, half of them: opened in a browser, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

pytestmark = [
    pytest.mark.waits,
    pytest.mark.browser,
    pytest.mark.takes(50),
    pytest.mark.usefixtures("one_browser"),
]


@pytest.mark.parametrize("slug", test_mistakes.in_browser()[0::2])
def test_a_mistake_is_seen_and_named(slug: str, tmp_path: Path) -> None:
    test_mistakes.prove(slug, tmp_path)
