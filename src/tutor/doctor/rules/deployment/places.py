"""Where a setting stands that holds on the machine that a project is deployed to."""

from __future__ import annotations

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place


def place(seen: Evidence, one: Event, name: str) -> Place:
    """Where a setting stands that holds there; the file of its settings at least."""
    module = seen.source.modules[one["module"]]
    return seen.source.setting(module.name, name) or (module.file, None)


def layers_there(seen: Evidence) -> Place:
    """Where the layers stand that servers have there; those of here without any."""
    for one in seen.deployed.all("deployed"):
        if one["layers"]:
            return place(seen, one, "CHANNEL_LAYERS")
    return seen.setting("CHANNEL_LAYERS")
