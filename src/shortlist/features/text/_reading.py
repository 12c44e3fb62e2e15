"""How a text encoder reads texts, and what it makes of their tokens."""

from dataclasses import dataclass

from shortlist.errors import ArgumentError, near
from shortlist.features.text._pooling import POOLINGS

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands around the encoder's graph.

    Attributes:
        poolings: how token vectors become one; several are put side by side.
        normalize: whether vectors are scaled to length 1.
        max_length: most tokens that are read of a text, special ones included.
        lowercase: whether texts are lowered before the tokenizer.
        prefix: what is put before every text.
        pad_id: token that fills up short texts; the encoder does not look at it.

    Raises:
        ArgumentError: a pooling is unknown, or ``max_length`` leaves no room for a token.
    """

    poolings: tuple[str, ...]
    normalize: bool
    max_length: int
    lowercase: bool = False
    prefix: str = ""
    pad_id: int = 0

    def __post_init__(self) -> None:
        for name in self.poolings:
            if name not in POOLINGS:
                raise ArgumentError(
                    "text encoder",
                    received=f"pooling {name!r}",
                    expected="a known pooling",
                    remedy=near(name, POOLINGS),
                )
        if isinstance(self.max_length, bool) or not isinstance(self.max_length, int) or self.max_length < 3:
            raise ArgumentError(
                "text encoder",
                received=f"max_length {self.max_length!r}",
                expected="an integer >= 3: a token between two special ones",
            )
