"""Files of the system that a cell shows and nobody here can install.

A cell with ``%%system`` holds a unit of systemd or a compose file.  It is read as the
system reads it, and what it would start is said; nothing is written or started.
"""

from __future__ import annotations

import configparser
from typing import Any

from tutor.report import Refusal


def described(name: str, text: str) -> str:
    """What a file would start, in a line for each.

    Args:
        name: ends in ``.service``, ``.yaml`` or ``.yml``.
        text: what it holds.

    Raises:
        Refusal: it can't be read, or starts nothing.
    """
    lines = _unit(name, text) if name.endswith(".service") else _compose(name, text)
    return "\n".join([f"{name}: not started here, only read", *lines])


def unit(name: str, text: str) -> configparser.ConfigParser:
    """A unit of systemd as its sections.

    Raises:
        Refusal: it can't be read, or has no command.
    """
    found = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        found.read_string(text)
        found["Service"]["ExecStart"]
    except (configparser.Error, KeyError) as error:
        raise Refusal(f"{name} is no unit of a service: {error}") from None
    return found


def compose(name: str, text: str) -> dict[str, dict[str, Any]]:
    """The services of a compose file, by their names.

    Raises:
        Refusal: it can't be read, or a service waits for one that is not there.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        found = yaml.safe_load(text)
        services: dict[str, dict[str, Any]] = dict(found["services"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise Refusal(f"{name} is no compose file: {error}") from None
    for service, told in services.items():
        for other in told.get("depends_on", ()):
            if other not in services:
                raise Refusal(
                    f"{name}: {service} waits for {other}, which is not there."
                )
    return services


def _unit(name: str, text: str) -> list[str]:
    service = unit(name, text)["Service"]
    return [f"  {service['ExecStart']}"]


def _compose(name: str, text: str) -> list[str]:
    return [
        f"  {service}: {told.get('command') or told['image']}"
        for service, told in compose(name, text).items()
    ]
