"""Mistakes that a Redis shows: made on purpose, run, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

from tutor import redis

pytestmark = [
    pytest.mark.waits,
    pytest.mark.takes(25),
    pytest.mark.skipif(redis.program() is None, reason=redis.NONE),
]


@pytest.mark.parametrize("slug", test_mistakes.on_redis())
def test_a_mistake_is_seen_and_named(slug: str, tmp_path: Path) -> None:
    test_mistakes.prove(slug, tmp_path)
