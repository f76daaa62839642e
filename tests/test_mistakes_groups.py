"""Mistakes of step 10: made on purpose, run, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_mistakes

from tutor.doctor import making

pytestmark = [pytest.mark.waits, pytest.mark.takes(60)]


@pytest.mark.parametrize("slug", test_mistakes.slugs(10))
def test_a_mistake_is_seen_and_named(slug: str, tmp_path: Path) -> None:
    test_mistakes.prove(slug, tmp_path)


def test_a_crash_after_the_refusal_was_read_is_seen(tmp_path: Path) -> None:
    """As on a slow machine: the 403 is here before the consumer hears of our end."""
    mistake = test_mistakes.MISTAKES["group-disconnect-needs-attribute-set-later"]
    checkpoint = next((test_mistakes.ROOT / "steps").glob(f"{mistake.base:02}-*"))
    making.make(mistake, checkpoint, tmp_path / "project")
    path = tmp_path / "project/master_app/consumers.py"
    text = path.read_text(encoding="utf-8")
    refusal = "            await self.close()\n            return\n"
    assert refusal in text
    pause = "            await __import__('asyncio').sleep(0.4)\n            return\n"
    text = text.replace(refusal, refusal.replace("            return\n", pause))
    path.write_text(text, encoding="utf-8")
    seen = making.observe(mistake, tmp_path / "project")
    assert seen.client == "403"
    assert mistake.symptom["log"] in seen.log
    assert seen.problems[0].slug == mistake.slug
