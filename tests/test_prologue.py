"""The prologue's own experiments, where another process is in their way."""

from __future__ import annotations

import os

import pytest

from tutor import prologue

TRANSPORT = "get_ipython().kernel.parent.transport"


async def test_no_other_process_can_take_a_port_of_the_kernel(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await prologue.listen_in(TRANSPORT)
    expected = "ipc" if os.name == "posix" else "tcp"
    assert f"← execute_result   {expected!r}\n" in capsys.readouterr().out
