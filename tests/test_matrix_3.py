"""Every check against some of the checkpoints; see matrix.py."""

from __future__ import annotations

from pathlib import Path

import matrix
import pytest

pytestmark = pytest.mark.takes(120)


@matrix.share(3)
def test_the_checks_bite(step: Path) -> None:
    matrix.bites(step)
