"""What every model must do: any batch size, one answer by every path, gradients, seeds.

Each check takes ``make``, which builds the model from a seed, with tables that are not sparse unless said.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from shortlist.data import Batch, Ragged
from shortlist.errors import SchemaError
from shortlist.schema import Column, Schema, Tags

__all__ = ["RANKING_CHECKS", "RETRIEVAL_CHECKS", "random_batch", "ranking_batch", "tensors"]

Make = Callable[[int], Any]

_CODES = frozenset({Tags.CATEGORICAL, Tags.ID, Tags.SEQUENCE})


def random_batch(schema: Schema, rows: int, *, seed: int = 0, longest: int = 4) -> Batch:
    """Encoded columns of NumPy arrays; every other list is empty."""
    rng = np.random.default_rng(seed)

    def column(of: Column) -> Any:
        numbers = of.has(Tags.CONTINUOUS) or of.tags.isdisjoint(_CODES)
        if numbers and not of.is_list:
            shape = (rows,) if of.shape.kind == "scalar" else (rows, of.shape.size or 0)
            return rng.normal(size=shape).astype(np.float32)
        size = 0 if of.domain is None or of.domain.size is None else of.domain.size
        if not of.is_list:
            return rng.integers(1, size, rows)
        lengths = rng.integers(1, longest + 1, rows) * (np.arange(rows) % 2)
        total = lengths.sum()
        values = rng.random(total).astype(np.float32) if numbers else rng.integers(0, size, total)
        return Ragged(values, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))

    return Batch({of.name: column(of) for of in schema}, rows=rows)


def ranking_batch(query: Schema, candidate: Schema, query_of: list[int], *, seed: int = 0) -> Batch:
    """Query columns once per query, candidate columns once per candidate."""
    count = max(query_of, default=-1) + 1
    queries = random_batch(query, count, seed=seed)
    candidates = random_batch(candidate, len(query_of), seed=seed + 1)
    return Batch(
        {**dict(queries.items()), **dict(candidates.items())},
        rows=len(query_of),
        query=query.names,
        query_of=np.array(query_of, dtype=np.int64),
    )


def tensors(batch: Batch) -> Batch:
    """The same batch with tensors in place of NumPy arrays."""

    def column(given: Any) -> Any:
        if isinstance(given, Ragged):
            values: Any = torch.from_numpy(given.values)
            offsets: Any = torch.from_numpy(given.offsets)
            return Ragged(values, offsets)
        return torch.from_numpy(given)

    columns = {name: column(given) for name, given in batch.items()}
    return Batch(columns, rows=len(batch), query=batch.query, query_of=batch.query_of)


def check_any_number_of_rows(make: Make) -> None:
    """No row, one row and many give so many finite vectors; a row's vector is its own."""
    model = make(0)
    for schema, encode in _sides(model):
        many = random_batch(schema, 9)
        vectors = encode(many)
        assert vectors.shape == (9, model.dim)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        for rows in ([], [4], [3, 3, 8]):
            part = encode(many.take(np.array(rows, dtype=np.int64)))
            np.testing.assert_allclose(part, vectors[rows], atol=1e-6)


def check_arrays_equal_tensors(make: Make) -> None:
    """Arrays give the vectors of tensors, without gradients and whatever the mode, which stays."""
    model = make(0)
    for schema, encode in _sides(model):
        batch = random_batch(schema, 7)
        model.train()
        arrays = encode(batch)
        assert model.training
        model.eval()
        live = encode(tensors(batch))
        assert live.requires_grad
        np.testing.assert_allclose(live.detach().numpy(), arrays, atol=1e-6)


def check_padded_equals_ragged(make: Make) -> None:
    """The form that is exported gives the same vectors, for lists of any length and for none."""
    model = make(0).eval()
    for tower, encode in ((model.query, model.encode_query), (model.item, model.encode_item)):
        for rows in (0, 1, 8):
            batch = random_batch(tower.inputs, rows)
            padded = tower.padded(*_padded(batch, tower.inputs)).detach().numpy()
            np.testing.assert_allclose(padded, encode(batch), atol=1e-5)


def check_gradients_reach_every_parameter(make: Make) -> None:
    """A loss on both sides moves every parameter."""
    model = make(0)
    query, item = (tensors(random_batch(schema, 40)) for schema in (model.query_schema, model.item_schema))
    target = torch.linspace(-1, 1, model.dim)
    errors = (model.encode_query(query) - target).square() + (model.encode_item(item) + target).square()
    torch.autograd.backward(errors.sum())
    _assert_all_have_gradients(model)


def check_seeds_reproduce(make: Make) -> None:
    """One seed gives one model, another seed another."""
    states = [make(seed).state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


def check_missing_column_is_named(make: Make) -> None:
    """A batch without a column that the model reads is refused by its name."""
    model = make(0)
    for schema, encode in _sides(model):
        lacking = schema.names[-1]
        batch = random_batch(schema.without(lacking), 3)
        with pytest.raises(SchemaError, match=lacking):
            encode(batch)


def check_ranker_any_number_of_candidates(make: Make) -> None:
    """Scores of the first, binary target are probabilities; queries together or alone get the same."""
    model = make(0)
    query_of = [0, 0, 0, 1, 2, 2]
    batch = ranking_batch(model.query_schema, model.candidate_schema, query_of)
    scores = model.score(batch)
    assert scores.shape == (6,)
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()
    for rows in ([], [1], [5, 0]):
        part = model.score(batch.take(np.array(rows, dtype=np.int64)))
        np.testing.assert_allclose(part, scores[rows], atol=1e-6)
    empty = ranking_batch(model.query_schema, model.candidate_schema, [])
    assert model.score(empty).shape == (0,)


def check_ranker_paths_are_equal(make: Make) -> None:
    """Query columns once or repeated, arrays or tensors, lists ragged or padded: one answer."""
    model = make(0).eval()
    batch = ranking_batch(model.query_schema, model.candidate_schema, [0, 0, 1, 1, 2])
    scores = model.score(batch)
    np.testing.assert_allclose(model.score(batch.flat()), scores, atol=1e-6)
    logits = model(tensors(batch))
    assert list(logits) == list(model.targets)
    np.testing.assert_allclose(logits[model.targets[0]].sigmoid().detach().numpy(), scores, atol=1e-6)
    served = model.predict(batch)
    np.testing.assert_array_equal(served[model.targets[0]], scores)
    padded = model.padded(torch.from_numpy(batch.query_of), *_padded(batch, model.inputs)).detach().numpy()
    for place, name in enumerate(model.targets):
        np.testing.assert_allclose(padded.reshape(len(batch), -1)[:, place], served[name], atol=1e-6)


def check_ranker_gradients_reach_every_parameter(make: Make) -> None:
    """A loss on the logits of all targets moves every parameter."""
    model = make(0)
    batch = ranking_batch(model.query_schema, model.candidate_schema, list(range(60)))
    logits = model(tensors(batch))
    losses = torch.stack([values.square().mean() + values.mean() for values in logits.values()])
    torch.autograd.backward(losses.sum())
    _assert_all_have_gradients(model)


def check_ranker_missing_column_is_named(make: Make) -> None:
    """A batch without a column that the ranker reads is refused by its name."""
    model = make(0)
    lacking = model.candidate_schema.names[-1]
    batch = ranking_batch(model.query_schema, model.candidate_schema.without(lacking), [0, 0])
    with pytest.raises(SchemaError, match=lacking):
        model.score(batch)


RETRIEVAL_CHECKS = (
    check_any_number_of_rows,
    check_arrays_equal_tensors,
    check_padded_equals_ragged,
    check_gradients_reach_every_parameter,
    check_seeds_reproduce,
    check_missing_column_is_named,
)
RANKING_CHECKS = (
    check_ranker_any_number_of_candidates,
    check_ranker_paths_are_equal,
    check_ranker_gradients_reach_every_parameter,
    check_ranker_missing_column_is_named,
    check_seeds_reproduce,
)


def _sides(model: Any) -> tuple[tuple[Schema, Callable[[Batch], Any]], ...]:
    return (model.query_schema, model.encode_query), (model.item_schema, model.encode_item)


def _padded(batch: Batch, inputs: Schema) -> list[Tensor]:
    def column(name: str) -> Tensor:
        given = batch[name]
        return torch.from_numpy(
            given.padded(given.lengths.max(initial=0) + 2) if isinstance(given, Ragged) else given
        )

    return [column(name) for name in inputs.names]


def _assert_all_have_gradients(model: nn.Module) -> None:
    still = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any(-1).any()
    ]
    assert still == [], still
