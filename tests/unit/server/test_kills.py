"""kill -9 at any step: the last complete version serves, and what was acknowledged is there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for each step")
def test_killed_at_any_step_nothing_is_half_done(tmp_path: Path) -> None:
    """A bundle saved, published and rolled back; items edited; events appended."""
    program = Path(__file__).with_name("killed.py")
    command = [sys.executable, "-W", "ignore", str(program), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    steps = [int(line) for line in ran.stdout.split()]
    assert len(steps) == 5
    assert min(steps) > 2
