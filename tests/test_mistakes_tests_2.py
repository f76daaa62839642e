"""Mistakes of step 9, half of them: made on purpose in a test, run, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

pytestmark = [pytest.mark.waits, pytest.mark.takes(40)]


@pytest.mark.parametrize("slug", test_mistakes.slugs(9)[1::2])
def test_a_mistake_is_seen_and_named(slug: str, tmp_path: Path) -> None:
    test_mistakes.prove(slug, tmp_path)
