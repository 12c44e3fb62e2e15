"""Two processes train as one does."""

import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from shortlist.train import Ranks

SCRIPT = Path(__file__).with_name("two_processes.py")
RUN = runpy.run_path(str(SCRIPT))["run"]


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def spawn(folder, *cases):
    """What `torchrun --nproc-per-node 2` starts, without its agent; the exit codes and error streams."""
    here = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    started = [
        subprocess.Popen(
            [sys.executable, SCRIPT, folder, *cases],
            env=here | {"RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
        )
        for rank in ("0", "1")
    ]
    said = [process.communicate(timeout=240)[1].decode() for process in started]
    return [process.returncode for process in started], said


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A run that dies after its second epoch goes on in new processes."""
    folder = tmp_path_factory.mktemp("two")
    codes, said = spawn(folder, "pieces", "dense", "ranking", "average:2")
    assert codes[0] == 9, said
    codes, said = spawn(folder, "average")
    assert codes == [0, 0], said
    return folder


def compare(folder, alone, report):
    """Both processes have the same weights and course, to the digits that other sums leave."""
    weights = [load_file(folder / f"{rank}.weights") for rank in (0, 1)]
    for name, value in alone.state_dict().items():
        assert torch.equal(weights[0][name], weights[1][name])
        torch.testing.assert_close(weights[0][name], value, atol=2e-5, rtol=0)
    courses = [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert courses[0] == courses[1]
    for found, row in zip(courses[0], report.epochs, strict=True):
        assert found[:2] == [row.step, row.rows]
        assert found[2] == pytest.approx(row.loss, rel=1e-5)
        assert found[3] == pytest.approx(row.metric, abs=5e-3)


# In-batch and drawn negatives in three pieces; tables with dense gradients; weighted labels in three pieces;
# a moving average, resumed.
@pytest.mark.parametrize("case", ["pieces", "dense", "ranking", "average"])
def test_two_processes_equal_one(two, tmp_path, case):
    compare(two / case, *RUN(tmp_path, case))


def test_one_process_exchanges_nothing():
    alone = Ranks()
    values = torch.tensor([[1.0], [2.0]])
    assert alone.gather(values) is values
    assert alone.total(values) is values
    assert alone.agreed("x") == "x"
    assert alone.edges(2, values.device) == [0, 2]
    alone.wait()
