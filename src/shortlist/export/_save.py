"""A whole pipeline to a bundle."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from shortlist.bundle import Writer
from shortlist.errors import ArgumentError
from shortlist.export._export import export_encoder, export_ranker
from shortlist.export._trees import export_trees
from shortlist.io import Dataset
from shortlist.models.trees import TreeRanker
from shortlist.monitor import FingerprintOptions, write_fingerprint
from shortlist.pipeline import Pipeline, write_pipeline

__all__ = ["refuse_existing", "save"]


def save(
    pipe: Pipeline,
    folder: str | Path,
    *,
    facts: Mapping[str, Any] | None = None,
    force: bool = True,
    log: Dataset | None = None,
    fingerprint: FingerprintOptions | None = None,
) -> Path:
    """Write a pipeline as a bundle: one folder that loads, verifies and serves without torch.

    Torch models become ONNX parts, compared with the live model before anything is published, beside their
    weights as safetensors. Past requests are asked again for the fingerprint that drift is told against.
    The folder appears whole or not at all.

    Args:
        pipe: the pipeline.
        folder: where the bundle will stand.
        facts: plain data for the manifest, such as metrics.
        force: whether a bundle that stands there is replaced, in one step.
        log: rows that the past requests are drawn from, with the columns that come with a request; None draws
            them from the events of the state.
        fingerprint: how many past requests, and how finely they are looked at.

    Returns:
        The folder.

    Raises:
        ArgumentError: something stands there and ``force`` is False.
        ExportError: a model and its exported part disagree.
        PipelineError: a stage cannot be saved.
    """
    target = Path(folder)
    if not force:
        refuse_existing(target)
    with Writer(target, facts) as writer:
        write_pipeline(pipe, writer, {"encoder": _encoder, "ranker": _ranker})
        write_fingerprint(pipe, writer, log, fingerprint)
    return target


def refuse_existing(folder: Path) -> None:
    """Refuse a folder that exists.

    Raises:
        ArgumentError: it does.
    """
    if folder.exists():
        raise ArgumentError(
            str(folder),
            received="a folder that exists",
            expected="a new one",
            remedy="choose another, or replace it with force=True (--force)",
        )


def _encoder(model: Any, folder: Path) -> None:
    if isinstance(model, nn.Module):
        export_encoder(model, folder)
    else:
        model.save(folder)


def _ranker(model: Any, folder: Path) -> None:
    if isinstance(model, nn.Module):
        export_ranker(model, folder)
    elif isinstance(model, TreeRanker):
        export_trees(model, folder)
    else:
        model.save(folder)
