"""Texts to lists of token codes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path

import polars as pl

from shortlist.data import Ragged
from shortlist.features._derived import Derived
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._groups import one_value
from shortlist.features.text import Reading, Tokens, encoder_positions, open_tokens, read_tokenizer
from shortlist.schema import Column, Domain, Shape, Tags

__all__ = ["Tokenize"]

_KINDS = frozenset({Tags.TEXT, Tags.CONTINUOUS, Tags.ID})


@dataclass(frozen=True)
class Tokenize(Op):
    """The tokens of a text as a list of codes, for a text encoder that is trained within a tower.

    A code is the tokenizer's id plus 1, special tokens included, since 0 is padding. Null, the empty text and
    white space give an empty list; longer texts are cut. A tower without a text encoder for the column takes
    the mean embedding of its tokens, learned from nothing. Needs the extra ``text``.

    Attributes:
        model: folder of a sentence-transformers model, of which the tokenizer becomes part of the workflow;
            read by fitting alone.
        max_length: tokens read of a text, special ones included; None for what the folder says. One is left
            free of as many as the encoder has positions for.
        prefix: put before every text, such as "query: "; None for the folder's default prompt.

    >>> title = Column("title", "string", ("item", "text"))
    >>> (tokens,) = Tokenize("models/all-MiniLM-L6-v2", max_length=64).make((title,), None).columns
    >>> tokens.name, tokens.dtype, sorted(tokens.tags), tokens.shape.kind
    ('title', 'int64', ['categorical', 'item', 'tokens'], 'list')
    """

    model: str | Path
    max_length: int | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        # Paths are plain text from here on, as they are saved.
        object.__setattr__(self, "model", str(self.model))

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """A column of lists of the same name."""
        (column,) = inputs
        column_type("Tokenize", column, "string", remedy="leave the column out, or cast it to text")
        one_value("Tokenize", column)
        tags = (column.tags - _KINDS) | {Tags.CATEGORICAL, "tokens"}
        known = {} if state is None else state.values
        domain = Domain(str(known.get("name", "tokens")), known.get("size"))
        shape = Shape("list", known.get("max_length"))
        return Made((replace(column, dtype="int64", tags=tags, shape=shape, domain=domain, vocabulary=None),))

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:  # noqa: ARG002
        """Nothing: the tokenizer knows what it needs."""
        return {}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The tokenizer, read from its folder.

        Raises:
            DataError: it is missing or damaged.
            MissingExtraError: the extra ``text`` is not installed.
        """
        tokenizer, reading = read_tokenizer(self.model, max_length=self.max_length, prefix=self.prefix)
        positions = encoder_positions(self.model)
        if positions is not None:
            reading = replace(reading, max_length=min(reading.max_length, positions - 1))
        opened = open_tokens(tokenizer, reading)
        values = {
            "name": f"tokens {blake2b(tokenizer, digest_size=4).hexdigest()}",
            "size": opened.size,
            "max_length": reading.max_length,
            "reading": asdict(reading),
        }
        table = KeyTable(pl.DataFrame({"file": ["tokenizer"], "content": [tokenizer]}), ("file",))
        state = State(values, {"tokenizer": table})
        _OPENED.keep(state, opened)
        return state

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Tokenize the distinct texts of each piece of a frame."""
        ((name, text),) = columns.items()
        kind = pl.List(pl.Int64)

        def tokens(texts: pl.Series) -> pl.Series:
            return pl.Series(texts.name, _OPENED.of(state).codes(texts.to_list()).to_lists(), dtype=kind)

        return {name: text.map_batches(tokens, return_dtype=kind, is_elementwise=True)}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Tokenize."""
        ((name, texts),) = columns.items()
        assert not isinstance(texts, Ragged)
        return {name: _OPENED.of(state).codes(texts.tolist())}


def _open(state: State) -> Tokens:
    reading = dict(state.values["reading"])
    poolings = tuple(reading.pop("poolings"))
    return open_tokens(
        dict(state.tables["tokenizer"].frame.rows())["tokenizer"], Reading(poolings, **reading)
    )


_OPENED = Derived(_open)
