"""Rankers of every kind behind one loader."""

import json
from pathlib import Path

from shortlist.runtime._part import load_network
from shortlist.runtime._ranker import OnnxRanker
from shortlist.runtime._trees import ServedTrees, load_trees

__all__ = ["load_ranker"]


def load_ranker(folder: str | Path, *, threads: int = 1, verify: bool = True) -> OnnxRanker | ServedTrees:
    """Open an exported ranking model: a network, or trees.

    Args:
        folder: holds ``part.json``, with ``ranker.onnx`` and ``weights.safetensors`` of a network, or the
            files of trees.
        threads: number of threads of one call; those of a network sleep between calls.
        verify: compare checksums, which reads every file once.

    Raises:
        BundleError: a file is missing or damaged, or the folder holds something else.
        MissingExtraError: the library of trees is not installed.
    """
    if _kind(Path(folder)) == "trees":
        return load_trees(folder, threads=threads, verify=verify)
    return load_network(folder, threads=threads, verify=verify)


def _kind(folder: Path) -> object:
    """What ``part.json`` says; whether it can be read at all is the loader's affair."""
    try:
        return json.loads((folder / "part.json").read_text()).get("kind")
    except (OSError, ValueError, AttributeError):
        return None
