"""The prologue's own experiments, where another process is in their way."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tutor import prologue

TRANSPORT = "get_ipython().kernel.parent.transport"


async def test_no_other_process_can_take_a_port_of_the_kernel(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await prologue.listen_in(TRANSPORT)
    expected = "ipc" if os.name == "posix" else "tcp"
    assert f"← execute_result   {expected!r}\n" in capsys.readouterr().out


async def test_the_kernel_of_the_prologue_knows_no_profile_of_the_readers(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    startup = tmp_path / ".ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00-mine.py").write_text("mine = 1")
    monkeypatch.setenv("HOME", str(tmp_path))
    await prologue.listen_in("'mine' in globals()")
    assert "← execute_result   False\n" in capsys.readouterr().out
    assert list(startup.parent.iterdir()) == [startup]


async def test_the_server_of_the_prologue_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    await prologue.listen_in("1 + 1")
    assert os.listdir(tmp_path) == []
