"""Mistakes of operation: made on purpose, probed or ended, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

pytestmark = [pytest.mark.waits, pytest.mark.takes(15)]


@pytest.mark.parametrize("slug", test_mistakes.slugs(17))
def test_a_mistake_is_seen_and_named(slug: str, tmp_path: Path) -> None:
    test_mistakes.prove(slug, tmp_path)
