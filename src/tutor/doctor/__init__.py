"""The diagnosis: what is wrong with a Django + Channels project, and where."""

from __future__ import annotations

from tutor.doctor.cli import main
from tutor.doctor.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose", "main"]
