"""Where learners are besides here: as much of it as can be tried on this machine.

No container, Codespace or Binder is started; their files are held to their form, and
what those files run is run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def container() -> dict[str, Any]:
    text = (ROOT / ".devcontainer/devcontainer.json").read_text()
    found: dict[str, Any] = json.loads(re.sub(r"(?m)^\s*//.*$", "", text))
    return found


def proven_pythons() -> list[str]:
    """The versions CI proves everything on."""
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    found: list[str] = ci["jobs"]["proof"]["strategy"]["matrix"]["python"]
    return found


def test_the_dev_container() -> None:
    found = container()
    assert found["image"].rpartition(":")[2] in proven_pythons()
    commands = [shlex.split(one) for one in found["postCreateCommand"].split(" && ")]
    assert [words[1] for words in commands if words[0] == "make"] == ["workspace"]
    assert "workspace" in TARGETS
    for words in commands:
        if words[0] != "make":
            # What it names is there: asked for its help, it fetches nothing.
            subprocess.run(
                [sys.executable, *words[1:], "--help"], check=True, capture_output=True
            )
    assert found["customizations"]["codespaces"]["openFiles"] == [
        "workspace/tutorial.ipynb"
    ]


def test_binder_runs_notebooks_in_our_environment(tmp_path: Path) -> None:
    """What Binder runs after a build, with its folder and our workspace elsewhere."""
    if not (ROOT / ".venv").exists():
        pytest.skip("this is not a checkout with an environment of its own")
    version = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    assert version in proven_pythons()
    assert set((ROOT / "binder/apt.txt").read_text().split()) == {"make", "nginx-light"}
    wanted = re.findall(r"(?m)^\w.*", (ROOT / "binder/requirements.txt").read_text())
    assert all(f'"{line}"' in (ROOT / "pyproject.toml").read_text() for line in wanted)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    env |= {
        "NB_PYTHON_PREFIX": str(tmp_path / "conda"),
        "TUTOR_WORKSPACE": str(tmp_path / "workspace"),
    }
    subprocess.run(["binder/postBuild"], cwd=ROOT, env=env, check=True, timeout=60)
    (spec,) = (tmp_path / "conda").rglob("kernel.json")
    assert spec.parent.name == "python3"
    python = Path(json.loads(spec.read_text())["argv"][0])
    assert python.parent == ROOT / ".venv/bin"
    assert (tmp_path / "workspace/tutorial.ipynb").exists()


def hooks() -> list[dict[str, Any]]:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"], "nothing is fetched"
    return [hook for repo in config["repos"] for hook in repo["hooks"]]


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_each_hook_finds_its_tool(hook: dict[str, Any]) -> None:
    program, *words = shlex.split(hook["entry"])
    assert program.startswith(".venv/bin/")
    found = shutil.which(Path(program).name, path=str(Path(sys.executable).parent))
    assert found, f"{program} is not in the lock"
    # The options it is given are options that it knows.
    done = subprocess.run([found, *words, "--help"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert hook["language"] == "system"


def test_the_changelog_keeps_its_form() -> None:
    """https://keepachangelog.com/en/1.1.0/: versions, newest first, kinds of change."""
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    released = [
        re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", heading)
        for heading in headings[1:]
    ]
    assert all(released), headings
    dates = [found[2] for found in released if found]
    assert dates == sorted(dates, reverse=True)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    known = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert kinds and kinds <= known
    assert not re.search(r"^### .*\n+(?=#|\Z)", text, re.MULTILINE), "empty"
