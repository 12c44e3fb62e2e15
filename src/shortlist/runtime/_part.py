"""Part folders: ``part.json`` says what a folder holds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.errors import BundleError, SchemaError
from shortlist.io import checksum
from shortlist.runtime._encoder import OnnxEncoder
from shortlist.runtime._graph import open_graph
from shortlist.runtime._ranker import OnnxRanker
from shortlist.schema import Schema

__all__ = ["FORMAT", "Part", "load_encoder", "load_network"]

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Part:
    """The facts of an exported model, as they stand in ``part.json``.

    Attributes:
        kind: ``"encoder"``, ``"ranker"`` or ``"trees"``.
        inputs: columns by side: ``query`` and ``item``, or ``query`` and ``candidate``.
        outputs: ``{"vectors": D}``, or ``{target: 1}`` for each target in order.
        fingerprint: of weights and graphs.
        parity: largest difference from the live model that the export measured.
        files: name to size in bytes and BLAKE2b checksum of every other file of the folder.
    """

    kind: str
    inputs: dict[str, Schema]
    outputs: dict[str, int]
    fingerprint: str
    parity: float
    files: dict[str, dict[str, Any]]

    def to_json(self) -> str:
        """JSON text."""
        inputs = {side: json.loads(schema.to_json()) for side, schema in self.inputs.items()}
        plain = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"format": FORMAT, **plain, "inputs": inputs}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Part":
        """Read what `to_json` wrote."""
        plain = json.loads(text)
        version = plain.pop("format")
        if version != FORMAT:
            raise BundleError(
                "part.json", received=f"format {version}", expected=f"{FORMAT}", remedy="update Shortlist"
            )
        inputs = {side: Schema.from_json(json.dumps(schema)) for side, schema in plain.pop("inputs").items()}
        return cls(inputs=inputs, **plain)

    def first(self, *names: str) -> str:
        """The first of these files that there is, or the last name; parts of old bundles have fewer."""
        return next((name for name in names if name in self.files), names[-1])

    @classmethod
    def of(cls, folder: Path, kind: str, *, verify: bool) -> "Part":
        """Read ``part.json`` of a folder and check its files.

        Raises:
            BundleError: it is missing, damaged, of another format or kind, or a file differs from what it
                says.
        """
        try:
            part = cls.from_json((folder / "part.json").read_text())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SchemaError) as error:
            raise _damaged(folder / "part.json", f"{type(error).__name__}: {error}") from error
        if part.kind != kind:
            raise BundleError(
                str(folder),
                received=f"a part of kind {part.kind!r}",
                expected=f"{kind!r}",
                remedy=f"load it with load_{part.kind}",
            )
        for name, facts in part.files.items():
            path = folder / name
            if not path.is_file():
                raise _damaged(path, "no such file")
            if path.stat().st_size != facts["bytes"] or (verify and checksum(path) != facts["blake2b"]):
                raise _damaged(path, "a file that differs from its checksum")
        return part


def load_encoder(folder: str | Path, *, threads: int = 1, verify: bool = True) -> OnnxEncoder:
    """Open an exported two-tower model.

    Args:
        folder: holds ``part.json``, ``query.onnx``, ``item.onnx`` and ``weights.safetensors``;
            ``query_packed.onnx`` is read instead of ``query.onnx`` where there is one.
        threads: number of threads of one call; they sleep between calls.
        verify: compare checksums, which reads every file once.

    Raises:
        BundleError: a file is missing or damaged, or the folder holds something else.
    """
    root = Path(folder)
    part = Part.of(root, "encoder", verify=verify)
    query, item = (
        open_graph(root / name, part.inputs[side], threads=threads)
        for side, name in (("query", part.first("query_packed.onnx", "query.onnx")), ("item", "item.onnx"))
    )
    dim = part.outputs["vectors"]
    return OnnxEncoder(query, item, dim=dim, fingerprint=part.fingerprint, folder=root)


def load_network(folder: str | Path, *, threads: int = 1, verify: bool = True) -> OnnxRanker:
    """Open an exported ranking network.

    Args:
        folder: holds ``part.json``, ``ranker.onnx`` and ``weights.safetensors``; ``ranker_packed.onnx`` and
            ``ranker_one_query.onnx`` are read instead where they are.
        threads: number of threads of one call; they sleep between calls.
        verify: compare checksums, which reads every file once.

    Raises:
        BundleError: a file is missing or damaged, or the folder holds something else.
    """
    root = Path(folder)
    part = Part.of(root, "ranker", verify=verify)
    inputs = part.inputs["query"].merge(part.inputs["candidate"])
    graph = open_graph(root / part.first("ranker_packed.onnx", "ranker.onnx"), inputs, threads=threads)
    one = None
    if "ranker_one_query.onnx" in part.files:
        one = open_graph(root / "ranker_one_query.onnx", inputs, threads=threads)
    names = part.inputs["query"].names
    targets = tuple(part.outputs)
    return OnnxRanker(graph, one, query=names, targets=targets, fingerprint=part.fingerprint, folder=root)


def _damaged(path: Path, received: str) -> BundleError:
    return BundleError(
        str(path),
        received=received,
        expected="the files of one exported model",
        remedy="copy the folder again, or export the model again",
    )
