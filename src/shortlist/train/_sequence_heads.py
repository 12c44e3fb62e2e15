"""What of a batch of sequences is told, and from what."""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.schema import FIRST_UNKNOWN
from shortlist.train._sequence_batches import Rectangle

__all__ = ["Told", "causal", "detection", "joined", "masked"]


class Told(NamedTuple):
    """Items to be told, P of them."""

    queries: Tensor
    """``[P, D]``: what the model makes of what is seen."""
    codes: Tensor
    """``[P]``: the items."""
    rows: Tensor
    """``[P]``: the row of the batch of each."""
    slots: Tensor
    """``[P]``: where each stands in the flattened rectangle of codes."""


def causal(query: Any, rectangle: Rectangle, vectors: Tensor, positions: Literal["every", "last"]) -> Told:
    """Each code from those before it.

    Args:
        query: the history tower.
        rectangle: some rows of the batch.
        vectors: ``[R, L, D]`` embeddings of its codes.
        positions: every code but the first, or the last of each row alone.
    """
    codes, lengths = rectangle.codes, rectangle.lengths
    slots = torch.arange(codes.shape[1] - 1, device=codes.device)
    before = slots < (lengths - 1).unsqueeze(1)
    asked = before if positions == "every" else slots == (lengths - 2).unsqueeze(1)
    # What is null or unknown is many items: it can be looked back on, but not told.
    asked = asked & (codes[:, 1:] > FIRST_UNKNOWN)
    out = query.positions(vectors[:, :-1], before, rectangle.ages)
    places = asked.flatten().nonzero().squeeze(1)
    rows = places // max(codes.shape[1] - 1, 1)
    slots = places + rows + 1
    return Told(
        queries=out.flatten(0, 1).index_select(0, places),
        codes=codes.flatten()[slots],
        rows=rectangle.rows[rows],
        slots=slots,
    )


def masked(query: Any, rectangle: Rectangle, vectors: Tensor, *, share: float, last: float) -> Told:
    """Hidden codes from those on both sides.

    Args:
        query: the history tower, with a blank.
        rectangle: some rows of the batch.
        vectors: ``[R, L, D]`` embeddings of its codes.
        share: chance of each code to be hidden.
        last: share of the rows whose last code alone is hidden.
    """
    codes, lengths = rectangle.codes, rectangle.lengths.unsqueeze(1)
    slots = torch.arange(codes.shape[1], device=codes.device)
    there = slots < lengths
    chance = torch.rand(codes.shape, device=codes.device).masked_fill(~there, 2.0)
    hidden = (chance < share) | (chance == chance.amin(1, keepdim=True))  # one at least
    end = torch.rand(len(codes), 1, device=codes.device) < last
    hidden = torch.where(end, slots == lengths - 1, hidden) & there
    vectors = torch.where(hidden.unsqueeze(2), query.blank, vectors)
    ages = rectangle.ages
    out = query.positions(vectors, there, None if ages is None else functional.pad(ages, (0, 1)))
    places = (hidden & (codes > FIRST_UNKNOWN)).flatten().nonzero().squeeze(1)
    return Told(
        queries=out.flatten(0, 1).index_select(0, places),
        codes=codes.flatten()[places],
        rows=rectangle.rows[places // max(codes.shape[1], 1)],
        slots=places,
    )


def detection(model: Any, rectangle: Rectangle, told: Told, guesses: Tensor) -> tuple[Tensor, int]:
    """Which codes are guesses: the sum of the binary cross-entropies of all codes, and their number.

    A guess that is right counts as real.

    Source: Clark et al., "ELECTRA: pre-training text encoders as discriminators rather than generators",
    ICLR 2020.
    """
    codes = rectangle.codes
    changed = codes.flatten().index_copy(0, told.slots, guesses).view(codes.shape)
    there = torch.arange(codes.shape[1], device=codes.device) < rectangle.lengths.unsqueeze(1)
    ages = rectangle.ages
    out = model.query.positions(
        model.query.embed(changed), there, None if ages is None else functional.pad(ages, (0, 1))
    )
    logits, labels = model.detect(out[there]).float(), (changed != codes)[there].float()
    return functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum"), len(labels)


def joined(parts: list[Told]) -> Told:
    """All that is told of a batch; slots stay those of each rectangle."""
    return Told(*(torch.cat(values) for values in zip(*parts, strict=True)))
