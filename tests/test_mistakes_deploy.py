"""Mistakes of deployment: made on purpose, seen through a real nginx, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

pytestmark = pytest.mark.takes(70)

STEP = 16


def marked(slug: str) -> object:
    """The mistake as a parameter, with what it needs."""
    front = test_mistakes.MISTAKES[slug].scene.get("front")
    marks = [pytest.mark.nginx] if front else []
    marks += [pytest.mark.browser] if front == "browser" else []
    return pytest.param(slug, marks=marks)


@pytest.mark.parametrize("slug", [*map(marked, test_mistakes.slugs(STEP))])
def test_a_mistake_is_seen_and_named(
    slug: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    front = test_mistakes.MISTAKES[slug].scene.get("front")
    if front:
        request.getfixturevalue("nginx_path")
    if front == "browser":
        request.getfixturevalue("browser_path")
    test_mistakes.prove(slug, tmp_path)
