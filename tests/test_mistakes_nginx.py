"""Mistakes of deployment: made on purpose, seen through a real nginx, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

pytestmark = [pytest.mark.waits, pytest.mark.nginx, pytest.mark.takes(50)]


def marked(slug: str) -> object:
    """The mistake as a parameter, with what it needs."""
    front = test_mistakes.MISTAKES[slug].scene["front"]
    return pytest.param(slug, marks=pytest.mark.browser if front == "browser" else ())


@pytest.mark.parametrize("slug", [*map(marked, test_mistakes.behind_nginx())])
@pytest.mark.usefixtures("nginx_path")
def test_a_mistake_is_seen_and_named(
    slug: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if test_mistakes.MISTAKES[slug].scene["front"] == "browser":
        request.getfixturevalue("browser_path")
    test_mistakes.prove(slug, tmp_path)
