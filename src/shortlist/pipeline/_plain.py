"""Pipelines as plain data: the one table of what kinds of stages and parts there are."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from shortlist import index, runtime
from shortlist.errors import BundleError, PipelineError, near
from shortlist.features import Workflow
from shortlist.pipeline._boost import Boost
from shortlist.pipeline._cache import Cache
from shortlist.pipeline._calibrate import Calibrate
from shortlist.pipeline._cap import Cap
from shortlist.pipeline._diversify import Diversify
from shortlist.pipeline._drop import Drop
from shortlist.pipeline._explore import Explore
from shortlist.pipeline._fallback import Fallback
from shortlist.pipeline._learned import Learned
from shortlist.pipeline._limit import Limit
from shortlist.pipeline._listed import Listed
from shortlist.pipeline._lookup import Lookup
from shortlist.pipeline._match import Match
from shortlist.pipeline._merge import Merge
from shortlist.pipeline._pin import Pin
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._popular import Popular
from shortlist.pipeline._repeats import Repeats
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._sample import Sample
from shortlist.pipeline._score import Score
from shortlist.pipeline._stage import PlainStage, Stage, WritePart
from shortlist.pipeline._take import Take
from shortlist.pipeline._thompson import Thompson
from shortlist.scorers import read_calibration

__all__ = ["PART_LOADERS", "ReadPart", "load_stages", "save_stages"]

ReadPart = Callable[[str], Any]

# The manifest of the bundle has the checksum of every file: parts need not read theirs again.
PART_LOADERS: Mapping[str, Callable[[Path], Any]] = {
    "encoder": partial(runtime.load_encoder, verify=False),
    "flow": Workflow.load,
    "index": partial(index.load, verify=False),
    "learner": runtime.load_learner,
    "ranker": partial(runtime.load_ranker, verify=False),
}
"""Kind of a part -> what reads its folder."""


def save_stages(pipe: Pipeline, write_part: WritePart) -> dict[str, Any]:
    """A pipeline's stages and fallback as plain data.

    Args:
        pipe: the pipeline.
        write_part: ``write_part(kind, object) -> name of the part``; called for every model, workflow and
            index that a stage holds, for a shared one each time.

    Raises:
        PipelineError: a stage cannot be saved: a function, or a stage without ``to_plain``.
    """
    fallback = None if pipe.fallback is None else _plain(pipe.fallback, write_part)
    return {"stages": [_plain(stage, write_part) for stage in pipe.stages], "fallback": fallback}


def load_stages(plain: Mapping[str, Any], read_part: ReadPart) -> tuple[tuple[Stage, ...], Stage | None]:
    """Stages and fallback from what `save_stages` gave.

    Args:
        plain: the plain data.
        read_part: the object of a part by name.

    Raises:
        BundleError: a kind of stage is unknown, or its options are not those of this version.
    """
    stages = tuple(_stage(options, read_part) for options in plain["stages"])
    return stages, None if plain["fallback"] is None else _stage(plain["fallback"], read_part)


def _plain(stage: Stage, write_part: WritePart) -> dict[str, Any]:
    if not isinstance(stage, PlainStage):
        raise PipelineError(
            f"stage {stage.name!r}",
            received=type(stage).__name__,
            expected="a stage that can be saved",
            remedy="give it to_plain(write_part), or leave it out of the saved pipeline",
        )
    return stage.to_plain(write_part)


def _stage(plain: Mapping[str, Any], read_part: ReadPart) -> Stage:
    options = dict(plain)
    kind = options.pop("kind", None)
    if kind not in _STAGES:
        raise BundleError(
            "stages.json",
            received=f"a stage of kind {kind!r}",
            expected="a known kind",
            remedy=near(str(kind), _STAGES),
        )
    try:
        return _STAGES[kind](options, read_part)
    except (KeyError, TypeError) as error:
        raise BundleError(
            "stages.json", received=f"a stage {kind!r} with {error}", expected="the options of this version"
        ) from error


def _retrieve(options: dict[str, Any], read_part: ReadPart) -> Stage:
    parts = {name: read_part(options.pop(name)) for name in ("model", "index", "flow")}
    return Retrieve(**parts, where=tuple(options.pop("where")), **options)


def _match(options: dict[str, Any], read_part: ReadPart) -> Stage:
    parts = {name: read_part(options.pop(name)) for name in ("model", "index", "flow")}
    return Match(**parts, **options)


def _score(options: dict[str, Any], read_part: ReadPart) -> Stage:
    parts = {name: read_part(options.pop(name)) for name in ("ranker", "flow")}
    return Score(**parts, **options)


def _merge(options: dict[str, Any], read_part: ReadPart) -> Stage:
    return Merge(*(_stage(source, read_part) for source in options["sources"]), name=options["name"])


def _fallback(options: dict[str, Any], read_part: ReadPart) -> Stage:
    sources = (_stage(source, read_part) for source in options.pop("sources"))
    return Fallback(*sources, **options)


def _diversify(options: dict[str, Any], read_part: ReadPart) -> Stage:
    part = options.pop("index")
    return Diversify(index=None if part is None else read_part(part), **options)


_STAGES: Mapping[str, Callable[[dict[str, Any], ReadPart], Stage]] = {
    "boost": lambda options, _: Boost(**options),
    "cache": lambda options, read: Cache(_stage(options.pop("source"), read), **options),
    "cap": lambda options, _: Cap(**options),
    "diversify": _diversify,
    "explore": lambda options, _: Explore(**options),
    "fallback": _fallback,
    "limit": lambda options, read: Limit(_stage(options.pop("stage"), read), **options),
    "listed": lambda options, _: Listed(**options),
    "lookup": lambda options, _: Lookup(**options),
    "pin": lambda options, _: Pin(**options),
    "sample": lambda options, _: Sample(**options),
    "thompson": lambda options, _: Thompson(**options),
    "calibrate": lambda options, _: Calibrate(read_calibration(options.pop("calibration")), **options),
    "learned": lambda options, read: Learned(read(options.pop("learner")), **options),
    "drop": lambda options, _: Drop(**options),
    "match": _match,
    "merge": _merge,
    "popular": lambda options, _: Popular(**options),
    "repeats": lambda options, _: Repeats(**options),
    "retrieve": _retrieve,
    "score": _score,
    "take": lambda options, _: Take(**options),
}
