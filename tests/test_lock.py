"""The lock: taken by uv and by pip, without addresses, and as pyproject asks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = {
    name.lower(): (version, marker)
    for name, version, marker in re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)(?: ; ([^\\]+))? \\$",
        LOCK,
        re.MULTILINE,
    )
}


def asked_for() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [*project["project"]["dependencies"], *project["dependency-groups"]["lint"]]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_it_holds_no_address() -> None:
    code = [line for line in LOCK.splitlines() if not line.lstrip().startswith("#")]
    assert not re.search(r"https?:|file:|git\+|@ |^-", "\n".join(code), re.MULTILINE)
    assert "index" not in re.sub(r"--hash=\S+", "", "\n".join(code)).lower()


def test_every_package_is_pinned_with_a_hash() -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^ *#.*\n", "", LOCK).strip())
    assert len(entries) >= len(PINNED) > 50  # some have a version for each system
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


@pytest.mark.parametrize("wish", asked_for())
def test_it_agrees_with_pyproject(wish: str) -> None:
    found = re.match(r"([A-Za-z0-9._-]+)(.*)", wish)
    assert found
    version, marker = PINNED[found[1].lower()]
    assert not marker
    for operator, bound in re.findall(r"(>=|==|<)([0-9.]+)", found[2]):
        have, want = numbers(version), numbers(bound)
        held = {">=": have >= want, "==": have == want, "<": have < want}
        assert held[operator], f"{wish}, but the lock has {version}"


def test_each_dependency_says_why_it_is_there() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    wishes = [line for line in lines if re.match(r'    "[a-z].*[0-9]",', line)]
    assert len(wishes) == len(asked_for())
    assert all(re.search(r"# \w+", line) for line in wishes)


def test_extras_are_pinned_as_such() -> None:
    """Else pip 23 takes them from the newest version, and refuses: it has no hash."""
    assert "\njsonschema[format-nongpl]==" in LOCK


def test_no_grammars_are_built_at_import() -> None:
    """jsonschema from 4.25 on pulls in rfc3987-syntax: 0.85 s in every process."""
    assert "rfc3987-syntax" not in PINNED
