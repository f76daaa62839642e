"""Does the project behave as a step says?  One check a step, by behaviour only.

Nothing here reads the text of a learner's file: what counts is what Django
reports, the HTTP status, the handshake, the messages and the close codes.
"""

from __future__ import annotations

from tutor.checks.question import Check
from tutor.checks.steps import KNOWN, check_step
from tutor.checks.verbs import main, matrix

__all__ = ["KNOWN", "Check", "check_step", "main", "matrix"]
