"""A project's source as syntax trees, with every name resolved to what it means."""

from __future__ import annotations

from tutor.doctor.source.index import Source
from tutor.doctor.source.syntax import Class, Function, Module

__all__ = ["Class", "Function", "Module", "Source"]
