"""Mistakes of step 4: made on purpose, run, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

pytestmark = pytest.mark.waits


@pytest.mark.parametrize("slug", test_mistakes.slugs(4))
def test_a_mistake_is_seen_and_named(slug: str, tmp_path: Path) -> None:
    test_mistakes.prove(slug, tmp_path)
