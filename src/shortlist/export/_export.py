"""Models to part folders, checked against the live model before anything is published."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError, BundleError, ExportError
from shortlist.export._graph import to_graph
from shortlist.export._one_query import for_one_query
from shortlist.export._pack import packed
from shortlist.export._parity import check_parity, random_batch, random_ranking_batch
from shortlist.export._weights import WEIGHTS, Stored, link_weights, write_weights
from shortlist.io import atomic_folder, checksum
from shortlist.rng import generator
from shortlist.runtime import Graph, OnnxEncoder, OnnxRanker, Part, open_graph
from shortlist.schema import Column, Schema

__all__ = ["export_encoder", "export_ranker"]


def export_encoder(model: Any, folder: str | Path, *, seed: int = 0) -> Part:
    """Write a two-tower model as a part folder that ``runtime.load_encoder`` reads.

    The folder holds ``query.onnx`` and ``item.onnx``, which refer to ``weights.safetensors``, and
    ``part.json``; ``query_packed.onnx`` is the query's tower for those who have its columns side by side. The
    exported towers are compared with the live ones on batches of 0, 1 and 64 rows with
    lists of any length from 0. The folder appears whole or not at all; the same model gives the same bytes.

    Args:
        model: a ``TwoTower``, or any module with ``dim``, ``encode_query``, ``encode_item`` and the towers
            ``query`` and ``item``, each with ``inputs`` (a Schema) and ``padded``: one tensor per input,
            lists as [B, L] filled with 0, to vectors [B, D].
        folder: where the part will stand.
        seed: of the batches that are compared.

    Raises:
        ExportError: the model cannot be traced, or differs from its export by more than 1e-5.
        ArgumentError: the model has no such towers.
    """
    sides = _sides(model, "query", "item", needs=("dim", "encode_query", "encode_item"))
    inputs = {name: tower.inputs for name, tower in sides.items()}
    with _evaluating(model), atomic_folder(folder) as fresh:
        stored = write_weights(model, fresh / WEIGHTS)
        for name, tower in sides.items():
            columns = [(column, "rows") for column in tower.inputs]
            graphs = {name: to_graph(model, tower.padded, columns, output="vectors")}
            graphs |= {"query_packed": packed(graphs[name])} if name == "query" else {}
            _write_graphs(fresh, graphs, stored)
        query, item = (
            _opened(fresh / file, inputs[name])
            for name, file in (("query", "query_packed.onnx"), ("item", "item.onnx"))
        )
        exported = OnnxEncoder(query, item, dim=model.dim, fingerprint="")
        rng = generator(seed, "export", "parity")
        parity = max(
            check_parity(
                f"export of {type(model).__name__}.{name}",
                getattr(model, f"encode_{name}"),
                getattr(exported, f"encode_{name}"),
                [random_batch(inputs[name], rows, rng) for rows in (0, 1, 64)],
            )
            for name in sides
        )
        return _write_part(fresh, "encoder", inputs, {"vectors": model.dim}, parity)


def export_ranker(model: Any, folder: str | Path, *, seed: int = 0) -> Part:
    """Write a ranking model as a part folder that ``runtime.load_ranker`` reads.

    The folder holds ``ranker.onnx``, which refers to ``weights.safetensors``, and ``part.json``. Two more
    graphs of the same model are read instead when serving: ``ranker_packed.onnx`` takes columns side by side,
    ``ranker_one_query.onnx`` does so for the candidates of one query, in fewer steps. The exported
    model is compared with the live one on batches of 0, 1 and many queries and candidates. The folder appears
    whole or not at all; the same model gives the same bytes.

    Args:
        model: a ranker of ``models.ranking``, or any module with ``targets``, ``score``, ``query_schema``,
            ``candidate_schema`` and ``padded(query_of, *tensors)``: the query columns [Q], then the candidate
            columns [N], lists as [Q, L] or [N, L] filled with 0, to what is served of the targets [N, T], of
            one target [N]. With several targets it has ``predict``: target -> [N].
        folder: where the part will stand.
        seed: of the batches that are compared.

    Raises:
        ExportError: the model cannot be traced, or differs from its export by more than 1e-5.
        ArgumentError: the model lacks one of these.
    """
    _sides(model, needs=("targets", "score", "padded", "query_schema", "candidate_schema"))
    inputs: dict[str, Schema] = {"query": model.query_schema, "candidate": model.candidate_schema}
    columns = [(Column("query_of", "int64"), "candidate")]
    columns += [(column, side) for side, schema in inputs.items() for column in schema]
    with _evaluating(model), atomic_folder(folder) as fresh:
        stored = write_weights(model, fresh / WEIGHTS)
        proto = to_graph(model, model.padded, columns, output="scores")
        graphs = {"ranker": proto, "ranker_packed": packed(proto)}
        graphs["ranker_one_query"] = for_one_query(graphs["ranker_packed"])
        _write_graphs(fresh, graphs, stored)
        both = inputs["query"].merge(inputs["candidate"])
        many, one = (_opened(fresh / f"{name}.onnx", both) for name in list(graphs)[1:])
        targets = tuple(model.targets)
        exported = OnnxRanker(many, one, query=inputs["query"].names, targets=targets, fingerprint="")
        rng = generator(seed, "export", "parity")
        parity = check_parity(
            f"export of {type(model).__name__}",
            model.score if len(targets) == 1 else _all_targets(model),
            exported.score if len(targets) == 1 else _all_targets(exported),
            [random_ranking_batch(inputs, size, rng) for size in ((0, 0), (1, 0), (1, 1), (1, 32), (7, 64))],
        )
        return _write_part(fresh, "ranker", inputs, dict.fromkeys(targets, 1), parity)


def _all_targets(model: Any) -> Callable[[Batch], npt.NDArray[np.float32]]:
    return lambda batch: np.stack(list(model.predict(batch).values()), axis=1)


def _write_graphs(folder: Path, graphs: dict[str, Any], stored: list[Stored]) -> None:
    for name, graph in graphs.items():
        link_weights(graph, stored)
        (folder / f"{name}.onnx").write_bytes(graph.SerializeToString(deterministic=True))


def _opened(path: Path, inputs: Schema) -> Graph:
    try:
        return open_graph(path, inputs, threads=1)
    except BundleError as error:
        raise ExportError(
            f"export of {path.name}",
            received=str(error.received),
            expected="a graph that ONNX Runtime can open",
        ) from error


def _write_part(
    folder: Path, kind: str, inputs: dict[str, Schema], outputs: dict[str, int], parity: float
) -> Part:
    paths = sorted(folder.iterdir())
    files = {path.name: {"bytes": path.stat().st_size, "blake2b": checksum(path)} for path in paths}
    whole = "".join(f"{name} {facts['blake2b']}\n" for name, facts in files.items())
    part = Part(kind, inputs, outputs, blake2b(whole.encode(), digest_size=8).hexdigest(), parity, files)
    (folder / "part.json").write_text(part.to_json())
    return part


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _sides(model: Any, *names: str, needs: tuple[str, ...]) -> dict[str, Any]:
    missing = [name for name in (*names, *needs) if not hasattr(model, name)]
    sides = {name: getattr(model, name) for name in names if hasattr(model, name)}
    missing += [
        f"{name}.{part}"
        for name, side in sides.items()
        for part in ("inputs", "padded")
        if not hasattr(side, part)
    ]
    if missing or not isinstance(model, nn.Module):
        raise ArgumentError(
            "export.model",
            received=f"a {type(model).__name__} without {missing}" if missing else type(model).__name__,
            expected="a torch module of the shape that the documentation describes",
            remedy="export a TwoTower with export_encoder and a ranker, such as DCN, with export_ranker",
        )
    return sides
