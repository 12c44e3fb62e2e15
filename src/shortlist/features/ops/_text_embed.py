"""Texts to vectors."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

import polars as pl

from shortlist.data import Ragged
from shortlist.features._derived import Derived
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features.ops._checks import column_type, positive
from shortlist.features.ops._groups import one_value
from shortlist.features.text import Embedder, Reading, TextModel, open_embedder, read_text_model
from shortlist.schema import Column, Shape, Tags

__all__ = ["TextEmbed"]

_KINDS = frozenset({Tags.TEXT, Tags.CATEGORICAL, Tags.CONTINUOUS, Tags.ID})


@dataclass(frozen=True)
class TextEmbed(Op):
    """The vector of a text by a sentence-transformers model on disk: float32 [B, D], tagged EMBEDDING.

    The model's folder holds ``tokenizer.json`` and an ONNX graph (``onnx/model.onnx``); one that has weights
    only gets its graph once, by ``shortlist.export.export_text_encoder``. Fitting reads the folder and
    nothing of the data; tokenizer and graph become part of the workflow, which then serves without the
    folder and without torch. Needs the extra ``text``.

    Null, the empty text and white space get a vector of zeros. Texts longer than ``max_length`` tokens are
    cut. Each distinct text is embedded once: vectors are kept by the hash of the text, in memory (64 MiB,
    the latest stay) and, offline, in ``cache``. One text embedded alone and among others differs by rounding,
    less than 1e-5.

    Attributes:
        model: folder of the model; read by fitting alone.
        pooling: how token vectors become one: "mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean" or
            "lasttoken"; None for what the folder says. A graph that pools by itself ignores it.
        normalize: whether vectors are scaled to length 1; None for what the folder says.
        max_length: tokens read of a text, special ones included; None for what the folder says.
        prefix: put before every text, such as "passage: "; None for the folder's default prompt.
        cache: folder for vectors on disk, which several processes may share; None for memory alone. The
            request path does not touch it.
        threads: threads of one call, which sleep between calls; None for one a core.

    Raises:
        ArgumentError: ``threads`` is no positive integer.

    >>> title = Column("title", "string", ("item", "text"))
    >>> (vector,) = TextEmbed("models/all-MiniLM-L6-v2", max_length=64).make((title,), None).columns
    >>> vector.name, vector.dtype, sorted(vector.tags), vector.shape.kind
    ('title', 'float32', ['embedding', 'item'], 'vector')
    """

    model: str | Path
    pooling: str | None = None
    normalize: bool | None = None
    max_length: int | None = None
    prefix: str | None = None
    cache: str | Path | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        # Paths are plain text from here on, as they are saved.
        object.__setattr__(self, "model", str(self.model))
        object.__setattr__(self, "cache", None if self.cache is None else str(self.cache))
        positive("TextEmbed.threads", self.threads)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """A column of vectors of the same name."""
        (column,) = inputs
        column_type("TextEmbed", column, "string", remedy="leave the column out, or cast it to text")
        one_value("TextEmbed", column)
        width = None if state is None else int(state.values["dim"])
        tags = (column.tags - _KINDS) | {Tags.EMBEDDING}
        shape = Shape("vector", width)
        return Made((replace(column, dtype="float32", tags=tags, shape=shape, domain=None, vocabulary=None),))

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:  # noqa: ARG002
        """Nothing: the model knows what it needs."""
        return {}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The model, read from its folder; steps with one model share one state.

        Raises:
            DataError: the model is missing, damaged, or of a form that cannot be served.
            MissingExtraError: the extra ``text`` is not installed.
        """
        return self.opened()

    def opened(self) -> State:
        """The model as a fitted state; the same one for equal options as long as somebody holds it."""
        model = read_text_model(
            self.model,
            pooling=self.pooling,
            normalize=self.normalize,
            max_length=self.max_length,
            prefix=self.prefix,
        )
        name = f"{model.fingerprint} {self.threads} {self.cache}"
        with _LOCK:
            state = _STATES.get(name)
            if state is None:
                embedder = open_embedder(model, threads=self.threads, cache=self.cache)
                how = {"reading": asdict(model.reading), "threads": self.threads, "cache": self.cache}
                state = State({"dim": embedder.dim, **how}, {"model": _to_table(model)})
                _STATES[name] = state
                _EMBEDDERS.keep(state, embedder)
            return state

    def embedder(self) -> Embedder:
        """The model ready to embed, outside of a workflow."""
        return _EMBEDDERS.of(self.opened())

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Embed the distinct texts of each piece of a frame."""
        (name,), width = columns, int(state.values["dim"])
        of_vectors = pl.Array(pl.Float32, width)

        def embed(texts: pl.Series) -> pl.Series:
            return pl.Series(texts.name, _EMBEDDERS.of(state).embed(texts.to_list()), dtype=of_vectors)

        return {name: columns[name].map_batches(embed, return_dtype=of_vectors, is_elementwise=True)}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Embed what is not in memory."""
        ((name, texts),) = columns.items()
        assert not isinstance(texts, Ragged)
        return {name: _EMBEDDERS.of(state).embed(texts.tolist(), on_disk=False)}


def _to_table(model: TextModel) -> KeyTable:
    files = {"graph": model.graph, "tokenizer": model.tokenizer}
    return KeyTable(pl.DataFrame({"file": list(files), "content": list(files.values())}), ("file",))


def _open(state: State) -> Embedder:
    files = dict(state.tables["model"].frame.rows())
    reading = dict(state.values["reading"])
    poolings = tuple(reading.pop("poolings"))
    model = TextModel(files["graph"], files["tokenizer"], Reading(poolings, **reading))
    return open_embedder(model, threads=state.values["threads"], cache=state.values["cache"])


_EMBEDDERS = Derived(_open)
_STATES: WeakValueDictionary[str, State] = WeakValueDictionary()
_LOCK = Lock()
