"""Mistakes of step 14: made on purpose, run on a Redis, and named."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import test_mistakes

from tutor import redis

pytestmark = [
    pytest.mark.waits,
    pytest.mark.takes(50),
    pytest.mark.skipif(redis.program() is None, reason=redis.NONE),
]


@pytest.fixture(scope="module")
def proofs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """All that were asked for, four at once: they wait for jobs that nobody does."""
    chosen = [
        item.callspec.params["slug"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    ]
    with ThreadPoolExecutor(min(4, len(chosen))) as pool:
        yield {
            slug: pool.submit(test_mistakes.prove, slug, tmp_path_factory.mktemp(slug))
            for slug in chosen
        }


@pytest.mark.parametrize("slug", test_mistakes.slugs(14))
def test_a_mistake_is_seen_and_named(
    slug: str, proofs: dict[str, Future[None]]
) -> None:
    proofs[slug].result()
