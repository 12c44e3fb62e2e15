"""Encoders of histories: the conformance suite, written-out arithmetic, and export."""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn import (
    AttentionPooling,
    HSTUEncoder,
    LiGREncoder,
    MeanPooling,
    RecencyPooling,
    RecurrentEncoder,
    SASRecEncoder,
    SumPooling,
    TransformerEncoder,
)
from shortlist.nn._history import from_end, from_start, last, recent, visible
from shortlist.nn._hstu import time_buckets
from shortlist.testing._history import HISTORY_CHECKS, POSITION_CHECKS, histories


class _Timed(nn.Module):
    """HSTU with an age for each event, taken from its vector, so that it moves with it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.encoder = HSTUEncoder(8, max_length=7, heads=2, blocks=1, ages=True, seed=seed)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.encoder(vectors, mask, self.ages(vectors, mask))
        return out

    def positions(self, vectors: Tensor, mask: Tensor) -> Tensor:
        return self.encoder.positions(vectors, mask, self.ages(vectors, mask))

    def ages(self, vectors: Tensor, mask: Tensor) -> Tensor:
        return (vectors.detach()[:, :, 0].abs() * mask).flip(1).cumsum(1).flip(1)


class _Doubled(nn.Module):
    """Stands for a norm whose output can be told from its input."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


SEQUENTIAL: dict[str, Any] = {
    "gru": lambda seed: RecurrentEncoder(8, cell="gru", hidden=6, layers=2, seed=seed),
    "lstm": lambda seed: RecurrentEncoder(8, cell="lstm", seed=seed),
    "transformer": lambda seed: TransformerEncoder(8, max_length=7, heads=2, dropout=0.0, seed=seed),
    "sas rec": lambda seed: SASRecEncoder(8, max_length=7, heads=2, dropout=0.0, seed=seed),
    "ligr": lambda seed: LiGREncoder(8, max_length=7, heads=2, blocks=1, dropout=0.0, seed=seed),
    "hstu": lambda seed: HSTUEncoder(8, max_length=7, heads=2, dropout=0.0, seed=seed),
    "hstu with ages": _Timed,
}
UNORDERED: dict[str, Any] = {
    "sum": lambda seed: SumPooling(),
    "mean": lambda seed: MeanPooling(),
    "recency": lambda seed: RecencyPooling(7),
    "attention": lambda seed: AttentionPooling(8, hidden=5, seed=seed),
    "both ways": lambda seed: TransformerEncoder(8, max_length=7, dropout=0.0, causal=False, seed=seed),
}
ALL = SEQUENTIAL | UNORDERED


@pytest.mark.parametrize("check", HISTORY_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ALL)
def test_history_conformance(check: Any, name: str) -> None:
    check(ALL[name])


@pytest.mark.parametrize("check", POSITION_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SEQUENTIAL)
def test_position_conformance(check: Any, name: str) -> None:
    check(SEQUENTIAL[name])


@pytest.mark.parametrize("name", ["transformer", "ligr", "hstu"])
def test_only_the_newest_events_are_read(name: str) -> None:
    encoder = ALL[name](0).eval()
    vectors, mask = histories([9], after=0)
    torch.testing.assert_close(encoder(vectors, mask), encoder(vectors[:, 2:], mask[:, 2:]))
    assert not encoder.positions(vectors, mask)[0, :2].any()


def test_masks_in_numbers() -> None:
    mask = torch.tensor([[False, True, True, True, False]])
    assert from_start(mask)[mask].tolist() == [0, 1, 2]
    assert from_end(mask)[mask].tolist() == [2, 1, 0]
    assert recent(mask, 1).tolist() == [[False, False, False, True, False]]
    both = visible(mask, causal=False)[0, 0]
    assert both[1].tolist() == [False, True, True, True, False]
    assert both[0].tolist() == [True, True, True, True, False]
    vectors = torch.arange(5.0).reshape(1, 5, 1)
    assert last(vectors, mask).item() == 3.0


def test_recency_weights_are_a_softmax_over_places() -> None:
    pooling = RecencyPooling(2)
    with torch.no_grad():
        pooling.logits.copy_(torch.tensor([math.log(3.0), 0.0]))
    vectors = torch.tensor([[[1.0], [10.0], [100.0]]])
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert pooling(vectors, mask).item() == pytest.approx((1 * 1 + 1 * 10 + 3 * 100) / (1 + 1 + 3))


def test_attention_pooling_follows_its_rule() -> None:
    pooling = AttentionPooling(1, hidden=1)
    with torch.no_grad():
        for parameter in pooling.parameters():
            parameter.fill_(1.0)
    vectors = torch.tensor([[[0.5], [-0.5]]])
    first, second = math.exp(math.tanh(0.5 + 1)), math.exp(math.tanh(-0.5 + 1))
    expected = (first * 0.5 - second * 0.5) / (first + second)
    assert pooling(vectors, torch.ones(1, 2, dtype=torch.bool)).item() == pytest.approx(expected)


def test_time_buckets_are_logarithms_of_the_time_to_the_next_event() -> None:
    week = math.floor(math.log(6 * 86_400) / 0.301)
    whole = math.floor(math.log(7 * 86_400) / 0.301)
    day = math.floor(math.log(86_400) / 0.301)
    assert time_buckets(torch.tensor([[7.0, 1.0]]))[0].tolist() == [[week, 0], [whole, day]]
    assert time_buckets(torch.tensor([[1e30]])).max().item() == 127


def _plain_hstu() -> HSTUEncoder:
    """Width 1, every weight 1, no norms to speak of but the last."""
    encoder = HSTUEncoder(1, max_length=2, blocks=1, dropout=0.0)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.fill_(1.0)
    return encoder.eval()


def test_hstu_block_follows_its_rule() -> None:
    encoder = _plain_hstu()
    block: Any = encoder.blocks[0]
    block.before, block.after = nn.Identity(), nn.Identity()
    x = torch.tensor([[[1.0], [2.0]]])

    def silu(value: float) -> float:
        return value / (1 + math.exp(-value))

    u = [silu(1 * 1 + 1), silu(1 * 2 + 1)]
    distances = torch.tensor([[0, 0], [1, 0]])
    with torch.no_grad():
        block.distance.copy_(torch.tensor([[0.25, 0.5]]))
    allowed = visible(torch.ones(1, 2, dtype=torch.bool), causal=True)
    mixed = [
        silu(u[0] * u[0] + 0.25) * u[0] / 1,
        (silu(u[1] * u[0] + 0.5) * u[0] + silu(u[1] * u[1] + 0.25) * u[1]) / 2,
    ]
    expected = [1 + (u[0] * mixed[0] * 1 + 1), 2 + (u[1] * mixed[1] * 1 + 1)]
    received = block(x, allowed, distances, None).ravel().tolist()
    assert received == pytest.approx(expected, rel=1e-5)


def test_hstu_looks_at_times() -> None:
    encoder = HSTUEncoder(8, max_length=5, dropout=0.0, ages=True).eval()
    vectors, mask = histories([3], after=0)
    near, far = torch.tensor([[0.3, 0.2, 0.1]]), torch.tensor([[30.0, 0.2, 0.1]])
    assert not torch.allclose(encoder(vectors, mask, near), encoder(vectors, mask, far))


def _filled(block: nn.Module, value: float) -> Any:
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.fill_(value)
    return block.eval()


def test_ligr_block_follows_its_rule() -> None:
    block: Any = _filled(LiGREncoder(1, max_length=1, blocks=1, expansion=1, dropout=0.0).blocks[0], 1.0)
    block.norms[0], block.norms[1] = nn.Identity(), nn.Identity()
    x = 0.5
    value = x + 1  # of the only event it sees, itself
    x1 = x + (value + 1) / (1 + math.exp(-(x + 1)))
    silu = x1 / (1 + math.exp(-x1))
    x2 = x1 + silu * x1 / (1 + math.exp(-(x1 + 1)))
    received = block(torch.tensor([[[x]]]), torch.ones(1, 1, 1, 1, dtype=torch.bool)).item()
    assert received == pytest.approx(x2, rel=1e-5)


def test_transformer_block_follows_its_rule() -> None:
    block: Any = _filled(TransformerEncoder(1, max_length=1, expansion=1, dropout=0.0).blocks[0], 1.0)
    block.norms[0], block.norms[1] = nn.Identity(), nn.Identity()
    x = 0.5
    x1 = x + ((x + 1) + 1)
    hidden = x1 + 1
    relu = hidden
    received = block(torch.tensor([[[x]]]), torch.ones(1, 1, 1, 1, dtype=torch.bool)).item()
    assert received == pytest.approx(x1 + (relu + 1), rel=1e-5)


def test_sas_rec_block_follows_its_rule() -> None:
    block: Any = _filled(SASRecEncoder(1, max_length=1, dropout=0.0).blocks[0], 1.0)
    block.norms[0], block.norms[1] = _Doubled(), nn.Identity()
    x = 0.5
    attended = (x + 1) + 1  # the value is made of x, what it is added to of the norm
    y = 2 * x + attended
    received = block(torch.tensor([[[x]]]), torch.ones(1, 1, 1, 1, dtype=torch.bool)).item()
    assert received == pytest.approx(y + ((y + 1) + 1), rel=1e-5)


@pytest.mark.parametrize(
    "encoder",
    [
        SASRecEncoder(8, max_length=7, dropout=0.5),
        TransformerEncoder(8, max_length=7, dropout=0.5),
        LiGREncoder(8, max_length=7, dropout=0.5),
        HSTUEncoder(8, max_length=7, dropout=0.5),
        RecurrentEncoder(8, dropout=0.5),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_dropout_works_in_training_only(encoder: nn.Module) -> None:
    data = histories([5, 4])
    with torch.random.fork_rng():
        assert not torch.allclose(encoder.train()(*data), encoder(*data))
    assert torch.equal(encoder.eval()(*data), encoder(*data))


OPTIONS: dict[str, tuple[Any, Any]] = {
    "transformer blocks": (TransformerEncoder(8), TransformerEncoder(8, blocks=1)),
    "transformer heads": (TransformerEncoder(8), TransformerEncoder(8, heads=4)),
    "transformer expansion": (TransformerEncoder(8), TransformerEncoder(8, expansion=1)),
    "sas rec blocks": (SASRecEncoder(8), SASRecEncoder(8, blocks=1)),
    "sas rec heads": (SASRecEncoder(8), SASRecEncoder(8, heads=4)),
    "sas rec expansion": (SASRecEncoder(8), SASRecEncoder(8, expansion=4)),
    "ligr expansion": (LiGREncoder(8), LiGREncoder(8, expansion=1)),
    "hstu blocks": (HSTUEncoder(8), HSTUEncoder(8, blocks=1)),
    "hstu heads": (HSTUEncoder(8), HSTUEncoder(8, heads=4)),
    "recurrent layers": (RecurrentEncoder(8), RecurrentEncoder(8, layers=2)),
    "recurrent hidden": (RecurrentEncoder(8), RecurrentEncoder(8, hidden=9)),
    "recurrent cell": (RecurrentEncoder(8), RecurrentEncoder(8, cell="lstm")),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_changes_the_result(name: str) -> None:
    data = histories([5, 4])
    one, other = (encoder.eval()(*data) for encoder in OPTIONS[name])
    assert not torch.allclose(one, other)


def test_wrong_options_are_named() -> None:
    with pytest.raises(
        ArgumentError, match=r"TransformerEncoder: expected dim >= 1, a multiple of heads; rec"
    ):
        TransformerEncoder(8, heads=3)
    with pytest.raises(ArgumentError, match=r"LiGREncoder.dropout: expected a share in \[0, 1\); received 1"):
        LiGREncoder(8, dropout=1.0)
    with pytest.raises(ArgumentError, match=r"TransformerEncoder: expected both >= 1; received 0 blocks"):
        TransformerEncoder(8, blocks=0)
    with pytest.raises(
        ArgumentError, match=r"HSTUEncoder: expected both >= 1; received 2 blocks and max_length 0"
    ):
        HSTUEncoder(8, max_length=0)
    with pytest.raises(ArgumentError, match=r"HSTUEncoder.ages: expected ages; received no ages"):
        HSTUEncoder(8, ages=True)(*histories([2]))
    with pytest.raises(
        ArgumentError, match=r"RecurrentEncoder: expected 'gru' or 'lstm'.*received cell 'rnn'"
    ):
        RecurrentEncoder(8, cell="rnn")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"RecencyPooling.max_length: expected an integer >= 1"):
        RecencyPooling(0)
    with pytest.raises(ArgumentError, match=r"AttentionPooling: expected widths >= 1; received \(8, 0\)"):
        AttentionPooling(8, hidden=0)


class _Together(nn.Module):
    """Side by side, as one export takes seconds; those of sequence models are exported with these."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            [
                RecurrentEncoder(8, cell="lstm", hidden=4),
                AttentionPooling(8),
                RecencyPooling(7),
            ]
        )

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([encoder(vectors, mask) for encoder in self.encoders], 1)


def test_exported_encoders_equal_the_modules(tmp_path: Path) -> None:
    encoders = _Together().eval()
    rows, length = torch.export.Dim("rows", min=0), torch.export.Dim("length", min=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter itself
        torch.onnx.export(
            encoders,
            (torch.ones(3, 5, 8), torch.ones(3, 5, dtype=torch.bool)),
            str(tmp_path / "encoders.onnx"),
            input_names=["vectors", "mask"],
            dynamic_shapes=({0: rows, 1: length}, {0: rows, 1: length}),
            dynamo=True,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(
        str(tmp_path / "encoders.onnx"), providers=["CPUExecutionProvider"]
    )
    for lengths, before in (([4, 0, 7], 0), ([5, 9], 3), ([1], 0), ([0], 0), ([], 0)):
        vectors, mask = histories(lengths, before=before, after=0)
        with torch.no_grad():
            expected = encoders(vectors, mask).numpy()
        (received,) = session.run(None, {"vectors": vectors.numpy(), "mask": mask.numpy()})
        assert received.shape == expected.shape
        np.testing.assert_allclose(received, expected, atol=1e-5)
