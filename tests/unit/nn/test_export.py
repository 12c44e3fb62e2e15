"""The blocks leave torch as ONNX with free batch size and list length."""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from shortlist.nn import MLP, CrossNetwork, EmbeddingTables, l2_normalize


class _Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tables = EmbeddingTables({"user": 7, "item": 9}, dim=4)
        self.cross = CrossNetwork(12, depth=1, rank=2)
        self.mlp = MLP(12, (8, 4))

    def forward(self, codes: Tensor, history: Tensor) -> Tensor:
        features = self.tables.lookup_many(["user", "item"], codes).flatten(1)
        pooled = self.tables.pool_padded("item", history)
        return l2_normalize(self.mlp(self.cross(torch.cat([features, pooled], 1))))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[_Tower, onnxruntime.InferenceSession]:
    path: Path = tmp_path_factory.mktemp("onnx") / "tower.onnx"
    tower = _Tower().eval()
    batch, length = torch.export.Dim("batch", min=0), torch.export.Dim("length", min=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter itself
        torch.onnx.export(
            tower,
            (torch.ones(3, 2, dtype=torch.int64), torch.ones(3, 5, dtype=torch.int64)),
            str(path),
            input_names=["codes", "history"],
            output_names=["vectors"],
            dynamic_shapes={"codes": {0: batch}, "history": {0: batch, 1: length}},
            dynamo=True,
            verbose=False,
        )
    return tower, onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("rows", "length"), [(0, 5), (1, 1), (1, 0), (0, 0), (6, 3)])
def test_exported_part_equals_the_module(
    session: tuple[_Tower, onnxruntime.InferenceSession], rows: int, length: int
) -> None:
    tower, onnx = session
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(7, size=rows), rng.integers(9, size=rows)], 1)
    history = rng.integers(9, size=(rows, length))
    with torch.no_grad():
        expected = tower(torch.from_numpy(codes), torch.from_numpy(history)).numpy()
    (received,) = onnx.run(None, {"codes": codes, "history": history})
    assert received.shape == (rows, 4)
    np.testing.assert_allclose(received, expected, atol=1e-6)
