"""A project's source as syntax trees, with every name resolved to what it means."""

from __future__ import annotations

from tutor.doctor.source.index import Class, Function, Module, Source

__all__ = ["Class", "Function", "Module", "Source"]
