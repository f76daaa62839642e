"""Slips of the language itself."""
