"""One side of a two-tower model."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.models._arrays import Columns
from shortlist.models._features import Features
from shortlist.models._inputs import is_categorical
from shortlist.models._tables import Tables
from shortlist.models._unknown_ids import without_some_ids
from shortlist.models.retrieval._options import TowerOptions
from shortlist.nn import MLP, CrossNetwork, ResidualMLP, l2_normalize
from shortlist.rng import derive
from shortlist.schema import Column, Schema, Tags

__all__ = ["Tower"]


class Tower(nn.Module):
    """Features to one vector: ``body(cross layers(concatenated features))``, scaled to length 1 if wanted.

    With one categorical input of width ``dim`` and no hidden layers the vector is its embedding. With
    several and no hidden layers it is a linear map that starts as the sum of the embeddings and of given
    vectors that are ``dim`` wide, so that what shares a table or a space is comparable from the first step:
    towers of text vectors alone start as a search by text.

    Args:
        inputs: columns of this side.
        tables: embedding tables, shared with the other side; their width is that of the vector, D.
        options: layers, dropout and encoders of lists.
        item: table of the item ids, whose embeddings are added to the output of hidden layers.
        names: column -> its table, where that is not the one of its domain.
        normalize: scale vectors to length 1.
        seed: of the initial weights.

    Attributes:
        repeats_alike: whether rows of equal columns have equal vectors in training too; modules that were
            given may drop at random.

    Raises:
        ArgumentError: a module of the options does not fit the columns.
    """

    def __init__(
        self,
        inputs: Schema,
        tables: Tables,
        options: TowerOptions,
        *,
        item: str,
        names: Mapping[str, str] | None = None,
        normalize: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.inputs, self.normalize, self.id_dropout = inputs, normalize, options.id_dropout
        self._ids = [column.name for column in inputs if column.has(Tags.ID) and not column.is_list]
        histories = _histories(inputs, options.history)
        self.features = Features(inputs, tables, histories=histories, texts=options.text, names=names)
        self.dim = tables.dim
        self.body, deep = self._layers(options, seed)
        self._shortcuts = self.features.places(item) if deep else []
        given = options.body is not None or len(self.features.encoders) > 0
        self.repeats_alike = not given and options.dropout == 0.0 and options.id_dropout in (0.0, 1.0)
        if given:
            self._check_modules()

    def forward(self, columns: Columns) -> Tensor:
        """Vectors ``[B, D]`` of columns given as for ``Features``."""
        if self.id_dropout >= 1.0 or (self.training and self.id_dropout > 0.0):
            columns = without_some_ids(columns, self._ids, self.id_dropout)
        features: Tensor = self.features(columns)
        vectors: Tensor = self.body(features)
        for start in self._shortcuts:
            vectors = vectors + features[:, start : start + vectors.shape[1]]
        return l2_normalize(vectors) if self.normalize else vectors.float()

    def padded(self, *tensors: Tensor) -> Tensor:
        """The same for one tensor per input, in the order of ``inputs``; lists are ``[B, L]`` with 0s."""
        vectors: Tensor = self(dict(zip(self.inputs.names, tensors, strict=True)))
        return vectors

    def _layers(self, options: TowerOptions, seed: int) -> tuple[nn.Module, bool]:
        """The layers after the features, and whether there are hidden ones among them."""
        width, hidden = self.features.width, tuple(options.hidden or ())
        cross = CrossNetwork(width, options.cross, seed=derive(seed, "cross"))
        if options.body is not None:
            return (nn.Sequential(cross, options.body) if options.cross > 0 else options.body), True
        if len(hidden) == 0 and options.residual:
            raise ArgumentError(
                "TowerOptions.residual",
                received="no hidden layers",
                expected="hidden layers",
                remedy="hidden=(128,)",
            )
        if len(hidden) == 0 and options.cross == 0 and len(self.inputs) == 1 and width == self.dim:
            return nn.Identity(), False
        layers = self._hidden(hidden, options, seed)
        return (nn.Sequential(cross, layers) if options.cross > 0 else layers), len(hidden) > 0

    def _hidden(self, hidden: Sequence[int], options: TowerOptions, seed: int) -> nn.Module:
        width, dropout = self.features.width, options.dropout
        layers = (
            ResidualMLP(width, self.dim, hidden, dropout=dropout, seed=seed)
            if options.residual
            else MLP(width, (*hidden, self.dim), dropout=dropout, seed=seed)
        )
        _zero_biases(layers)
        if isinstance(layers, ResidualMLP):
            _start_as_sum(layers.linear, self.features)
        elif len(hidden) == 0:
            _start_as_sum(layers[0], self.features)
        return layers

    def _check_modules(self) -> None:
        """Try given modules on one row of padding and zeros."""
        columns = {column.name: _nothing(column) for column in self.inputs}
        training = self.training
        self.eval()
        with torch.no_grad():
            features = self.features(columns)
            _check_width("TowerOptions.history", features, self.features.width, "encoders of lists")
            try:
                vectors = self.body(features)
            except RuntimeError as error:
                raise ArgumentError(
                    "TowerOptions.body",
                    received=str(error).splitlines()[0],
                    expected=f"a module from [B, {self.features.width}] to [B, {self.dim}]",
                ) from error
            _check_width("TowerOptions.body", vectors, self.dim, f"[B, {self.features.width}] to")
        self.train(training)


def _histories(inputs: Schema, given: nn.Module | Mapping[str, nn.Module] | None) -> Mapping[str, nn.Module]:
    if given is None:
        return {}
    if not isinstance(given, nn.Module):
        return given
    lists = [column.name for column in inputs if column.has(Tags.SEQUENCE) and column.is_list]
    if len(lists) != 1:
        raise ArgumentError(
            "TowerOptions.history",
            received=f"one module for the SEQUENCE columns {lists}",
            expected="one such column",
            remedy="say which: history={'item_id_history': module}",
        )
    return {lists[0]: given}


def _nothing(column: Column) -> Tensor:
    shape = {"scalar": (1,), "list": (1, 1)}.get(column.shape.kind, (1, column.shape.size or 0))
    return torch.zeros(shape, dtype=torch.int64 if is_categorical(column) else torch.float32)


def _check_width(where: str, found: Tensor, width: int, what: str) -> None:
    if found.shape != (1, width):
        raise ArgumentError(
            where,
            received=f"a module that makes vectors {tuple(found.shape)} of one row",
            expected=f"{what} [B, {width}]",
        )


def _zero_biases(layers: nn.Module) -> None:
    """Embeddings start small: beside them a random bias would give every row nearly one direction."""
    for layer in layers.modules():
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)


def _start_as_sum(layer: nn.Module, features: Features) -> None:
    assert isinstance(layer, nn.Linear)
    dim = layer.out_features
    with torch.no_grad():
        for start in [*range(0, features.embeddings * dim, dim), *features.wide]:
            layer.weight[:, start : start + dim] = torch.eye(dim)
