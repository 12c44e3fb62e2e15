"""Attention without a softmax, biased by how many events and how much time lie between."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.nn._attention import check_heads, split_heads
from shortlist.nn._dropout import Dropout
from shortlist.nn._history import last, recent, visible
from shortlist.nn._seeded import linear, normal
from shortlist.rng import derive

__all__ = ["HSTUBlock", "HSTUEncoder", "time_buckets"]

_STD = 0.02
_BUCKETS = 128
_SECONDS_PER_DAY = 86_400.0
_BUCKET_WIDTH = 0.301  # of the natural logarithm of seconds: a bucket's end is 1.35 times its start


def time_buckets(ages: Tensor) -> Tensor:
    """Bucket of the time from event j to the event after i.

    It is ``floor(log(max(1, seconds)) / 0.301)``, at most 127. The event after the newest is the query
    itself, of age 0.

    Args:
        ages: ``[B, L]`` days from the event to the query, 0 at padding.

    Returns:
        ``[B, L, L]`` int64, for i and j.

    >>> time_buckets(torch.tensor([[1 / 24, 1 / 86_400]]))[0].tolist()
    [[27, 0], [27, 0]]
    """
    after = torch.cat([ages, ages.new_zeros(ages.shape[0], 1)], dim=1)[:, 1:]
    seconds = (ages.unsqueeze(1) - after.unsqueeze(2)).clamp(min=0) * _SECONDS_PER_DAY
    return (seconds.clamp(min=1).log() / _BUCKET_WIDTH).floor().long().clamp(max=_BUCKETS - 1)


class HSTUBlock(nn.Module):
    """One layer of pointwise attention with a gate.

    ::

        U, V, Q, K = silu(W1 norm(x))
        A_ij = silu(q_i . k_j + a[i - j] + b[bucket(t_(i+1) - t_j)]) / n_i, n_i events seen by i
        x <- x + W2 drop(U * norm(A V))

    Args:
        dim: width D, divided among the heads.
        heads: attention heads, each with its own biases a and b.
        max_length: distances with a bias of their own.
        dropout: share set to zero in training.
        ages: whether there is a bias b.
        seed: of the initial weights.
    """

    def __init__(
        self, dim: int, *, heads: int, max_length: int, dropout: float, ages: bool, seed: int
    ) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.inner = linear(dim, 4 * dim, derive(seed, "in"))
        self.outer = linear(dim, dim, derive(seed, "out"))
        self.dropout = Dropout(dropout)
        self.distance = nn.Parameter(normal(heads, max_length, std=_STD, seed=derive(seed, "distance")))
        self.time = (
            nn.Parameter(normal(_BUCKETS, heads, std=_STD, seed=derive(seed, "time"))) if ages else None
        )

    def forward(self, x: Tensor, allowed: Tensor, distances: Tensor, buckets: Tensor | None) -> Tensor:
        """``[B, L, D]`` to ``[B, L, D]``.

        Args:
            x: ``[B, L, D]``.
            allowed: ``[B, 1, L, L]`` which slots each may attend to, itself at least.
            distances: ``[L, L]`` number of a bias for every two slots.
            buckets: ``[B, L, L]`` number of a bias for every two times.
        """
        gate, *parts = functional.silu(self.inner(self.before(x))).chunk(4, dim=2)
        value, query, key = (split_heads(part, self.heads) for part in parts)
        scores = query @ key.transpose(2, 3) + self.distance[:, distances]
        if self.time is not None and buckets is not None:
            scores = scores + functional.embedding(buckets, self.time).permute(0, 3, 1, 2)
        seen = allowed.sum(3, keepdim=True)
        weights = functional.silu(scores) * allowed / seen
        mixed = (weights.to(value.dtype) @ value).transpose(1, 2).flatten(2)
        added: Tensor = self.outer(self.dropout(gate * self.after(mixed)))
        return x + added


class HSTUEncoder(nn.Module):
    """A history's vector by hierarchical sequential transduction units: pointwise causal attention and gates.

    Order enters by the distance between events; time, where wanted, by the logarithm of the seconds from an
    earlier event to the one that follows the event at hand, which for the newest is the query itself. Padding
    may stand before or after the events, not among them.

    Args:
        dim: width D of the events and of the result.
        max_length: longest history that is read; of longer ones, the newest events.
        blocks: number of blocks.
        heads: attention heads in each.
        dropout: share set to zero in training, in [0, 1).
        ages: whether the age of each event is given and used.
        seed: of the initial weights.

    Raises:
        ArgumentError: an option is out of range, or ``dim`` is not a multiple of ``heads``.

    Source: Zhai et al., "Actions speak louder than words: trillion-parameter sequential transducers for
    generative recommendations", ICML 2024 (arXiv 2402.17152).

    >>> encoder = HSTUEncoder(8, max_length=5, ages=True)
    >>> encoder(torch.ones(1, 2, 8), torch.ones(1, 2, dtype=torch.bool), torch.tensor([[0.5, 0.1]])).shape
    torch.Size([1, 8])
    """

    def __init__(
        self,
        dim: int,
        *,
        max_length: int = 50,
        blocks: int = 2,
        heads: int = 1,
        dropout: float = 0.2,
        ages: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_heads("HSTUEncoder", dim, heads, dropout)
        if blocks < 1 or max_length < 1:
            raise ArgumentError(
                "HSTUEncoder",
                received=f"{blocks} blocks and max_length {max_length}",
                expected="both >= 1",
            )
        self.max_length, self.ages, self.causal = max_length, ages, True
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(
            HSTUBlock(
                dim,
                heads=heads,
                max_length=max_length,
                dropout=dropout,
                ages=ages,
                seed=derive(seed, "block", depth),
            )
            for depth in range(blocks)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, vectors: Tensor, mask: Tensor, ages: Tensor | None = None) -> Tensor:
        """Vector of each history ``[B, D]``; arguments as for ``positions``."""
        return last(self.positions(vectors, mask, ages), mask)

    def positions(self, vectors: Tensor, mask: Tensor, ages: Tensor | None = None) -> Tensor:
        """Vector at each event, zeros at padding and at events that are too old to be read.

        Args:
            vectors: ``[B, L, D]``, oldest first.
            mask: ``[B, L]``, True at events.
            ages: ``[B, L]`` days from each event to the query; needed just if the encoder was made for them.

        Returns:
            ``[B, L, D]``.

        Raises:
            ArgumentError: ages are missing, or were given to an encoder without them.
        """
        if (ages is not None) is not self.ages:
            raise ArgumentError(
                "HSTUEncoder.ages",
                received="ages" if ages is not None else "no ages",
                expected="ages" if self.ages else "no ages",
                remedy="make the encoder with ages=True where ages are given, and only there",
            )
        mask = recent(mask, self.max_length)
        events = mask.unsqueeze(2)
        slots = torch.arange(mask.shape[1], device=mask.device)
        distances = (slots[:, None] - slots[None, :]).clamp(0, self.max_length - 1)
        allowed = visible(mask, causal=True)
        buckets = None if ages is None else time_buckets(ages * mask)
        x = self.dropout(vectors) * events
        for block in self.blocks:
            x = block(x, allowed, distances, buckets)
        out: Tensor = self.norm(x) * events
        return out
