"""Rankers with weights of eight bits."""

import logging
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import onnx

from shortlist.errors import ExportError
from shortlist.export._parity import random_ranking_batch
from shortlist.io import atomic_folder, checksum
from shortlist.rng import generator
from shortlist.runtime import OnnxRanker, Part, load_ranker

__all__ = ["quantize_ranker"]


def quantize_ranker(folder: str | Path, out: str | Path, *, seed: int = 0) -> Part:
    """Write an exported ranking network again, the weights of its layers as eight-bit integers.

    Each column of a matrix has a scale of its own; activations are rounded as they come. Embeddings stay as
    they are. Wide layers take about half the time; small ones gain little. Scores change in the second or
    third digit, so that nothing is compared with the live model: evaluate the pipeline with
    ``Score(load_ranker(out), flow)`` before it serves.

    Args:
        folder: what `export_ranker` wrote.
        out: where the other part will stand; it appears whole or not at all.
        seed: of the batch that the differences are measured on.

    Returns:
        The part; its ``parity`` is the largest difference from the exact one on random rows.

    Raises:
        BundleError: the folder is missing, damaged or holds no ranking network.
        ExportError: the network has no layer that can be rounded.
    """
    exact = load_ranker(folder)
    if not isinstance(exact, OnnxRanker):
        raise ExportError(
            str(folder), received="trees", expected="a ranking network", remedy="trees have no such layers"
        )
    root = Path(folder)
    part = Part.of(root, "ranker", verify=False)
    names = [name for name in part.files if name.endswith(".onnx")]
    with atomic_folder(out) as fresh:
        for name in names:
            _quantize(root / name, fresh / name)
        (fresh / "part.json").write_text(_written(part, fresh, 0.0).to_json())
        rounded = load_ranker(fresh, verify=False)
        batch = random_ranking_batch(part.inputs, (1, 256), generator(seed, "export", "parity"))
        difference = float(np.abs(exact.score(batch) - rounded.score(batch)).max(initial=0.0))
        written = _written(part, fresh, difference)
        (fresh / "part.json").write_text(written.to_json())
    return written


def _quantize(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it advises steps that these graphs do not need
    try:
        whole = onnx.load(source)  # with the weights that stand beside it
        before = len(whole.graph.node)
        quantize_dynamic(
            whole,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gemm"],
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        logging.getLogger().setLevel(level)
    if len(onnx.load(target).graph.node) == before:
        raise ExportError(
            f"quantize_ranker of {source.name}",
            received="no product with a constant matrix",
            expected="a network with hidden layers",
        )


def _written(part: Part, folder: Path, difference: float) -> Part:
    paths = sorted(path for path in folder.iterdir() if path.suffix == ".onnx")
    files = {path.name: {"bytes": path.stat().st_size, "blake2b": checksum(path)} for path in paths}
    whole = "".join(f"{name} {facts['blake2b']}\n" for name, facts in files.items())
    fingerprint = blake2b(whole.encode(), digest_size=8).hexdigest()
    return replace(part, files=files, fingerprint=fingerprint, parity=difference)
