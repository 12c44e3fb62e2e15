"""A bundle as a model repository of the Triton Inference Server (python backend)."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from shortlist.bundle import Reader
from shortlist.errors import ArgumentError
from shortlist.io import atomic_folder, current
from shortlist.pipeline import Stage, load
from shortlist.server._context import context_columns
from shortlist.server._inference import Tensor, inputs_of_pipeline, outputs
from shortlist.server._options import Clock

__all__ = ["export_triton"]

_MODEL = '''"""{about}"""

import sys

sys.path[:0] = {paths!r}

from shortlist.server.triton import model

TritonPythonModel = model({settings!r})
'''


def export_triton(
    bundle: Path | str,
    repository: Path | str,
    *,
    name: str | None = None,
    ensemble: bool = False,
    python_path: Sequence[str] = (),
    clock: Clock = "wall",
) -> Path:
    """Write a bundle as a model that Triton's python backend loads.

    The model takes and gives the tensors that `shortlist serve` does by the Open Inference Protocol, and its
    answers are those of the bundle. The interpreter of the backend needs the base install of Shortlist, no
    torch; the backend of 2026 needs NumPy 1.26 beside it.

    Args:
        bundle: folder of the bundle, or shelf of its versions.
        repository: folder of the model repository; other models in it stay.
        name: of the model; None is that of the bundle's folder.
        ensemble: write every stage as a model of its own, and an ensemble of them. Each is a process that
            holds the bundle: for those who watch or scale stages one by one. It takes ``user`` and ``k``.
        python_path: folders that the interpreter of the backend imports from; Triton passes on no PYTHONPATH.
        clock: what the present is, see `ServerOptions`.

    Returns:
        The folder of the model.

    Raises:
        BundleError: the folder is no sound bundle.
        ArgumentError: the name cannot be one of a folder.
        DataError: the repository cannot be written to.
    """
    source = current(bundle)
    Reader(source).open()
    called = Path(bundle).resolve().name if name is None else name
    if not called or Path(called).name != called:
        raise ArgumentError("export_triton.name", received=called, expected="the name of a folder")
    pipe, root = load(source, verify=False), Path(repository)
    settings = {"bundle": "bundle", "clock": clock, "stage": None}
    if not ensemble:
        context = context_columns(pipe.stages)
        config = _config(called, inputs_of_pipeline(pipe, context), outputs())
        return _write(root / called, config, settings, python_path, source)
    steps, columns = list[str](), list[str]()
    for place, stage in enumerate(pipe.stages):
        given = tuple(columns)
        columns += _new_columns(stage, columns)
        last = place == len(pipe.stages) - 1
        step = f"{called}_{place}_{_plain(stage.name)}"
        steps.append(step)
        config = _config(step, _asked(place, given), outputs() if last else _in_flight(columns))
        own = settings | {"stage": place, "columns": columns, "given": list(given)}
        _write(root / step, config, own, python_path, source)
    with atomic_folder(root / called) as folder:
        (folder / "1").mkdir()
        (folder / "config.pbtxt").write_text(_ensemble(called, steps, pipe.stages), encoding="utf-8")
    return root / called


def _asked(place: int, columns: Iterable[str]) -> tuple[Tensor, ...]:
    asked = (Tensor("user", "BYTES", (-1,)), Tensor("k", "INT32", (1,)))
    return asked if place == 0 else (*asked, *_in_flight(columns))


def _in_flight(columns: Iterable[str]) -> tuple[Tensor, ...]:
    """Candidates as tensors: for each user a row of positions, -1 where there is none."""
    return (
        Tensor("position", "INT64", (-1, -1)),
        Tensor("found_score", "FP32", (-1, -1)),
        Tensor("found_by", "BYTES", (-1, -1)),
        *(Tensor(f"column_{name}", "FP32", (-1, -1)) for name in columns),
    )


def _write(
    folder: Path, config: str, settings: Mapping[str, object], paths: Sequence[str], bundle: Path
) -> Path:
    stage = settings["stage"]
    about = "A pipeline of Shortlist." if stage is None else f"Stage {stage} of a pipeline of Shortlist."
    with atomic_folder(folder) as fresh:
        (fresh / "config.pbtxt").write_text(config, encoding="utf-8")
        shutil.copytree(bundle, fresh / "1" / "bundle")
        text = _MODEL.format(about=about, paths=list(paths), settings=json.dumps(settings))
        (fresh / "1" / "model.py").write_text(text, encoding="utf-8")
    return folder


def _config(name: str, inputs: Iterable[Tensor], given: Iterable[Tensor]) -> str:
    lines = [f'name: "{name}"', 'backend: "python"', "max_batch_size: 0"]
    lines += [f"input [{_tensor(tensor)}]" for tensor in inputs]
    lines += [f"output [{_tensor(tensor)}]" for tensor in given]
    lines += ["instance_group [{ count: 1 kind: KIND_CPU }]"]
    return "\n".join(lines) + "\n"


def _tensor(tensor: Tensor) -> str:
    kind = "TYPE_STRING" if tensor.datatype == "BYTES" else f"TYPE_{tensor.datatype}"
    optional = " optional: true" if tensor.optional else ""
    return f'{{ name: "{tensor.name}" data_type: {kind} dims: {list(tensor.shape)}{optional} }}'


def _ensemble(name: str, steps: Sequence[str], stages: Sequence[Stage]) -> str:
    lines = [f'name: "{name}"', 'platform: "ensemble"', "max_batch_size: 0"]
    lines += [f"input [{_tensor(tensor)}]" for tensor in _asked(0, ())]
    lines += [f"output [{_tensor(tensor)}]" for tensor in outputs()]
    lines += ["ensemble_scheduling {"]
    known: list[str] = []
    for place, step in enumerate(steps):
        given = _in_flight(known) if place else ()
        known += _new_columns(stages[place], known)
        last = place == len(steps) - 1
        maps = [f'input_map {{ key: "{key}" value: "{key}" }}' for key in ("user", "k")]
        maps += [_mapped("input", tensor.name, place - 1) for tensor in given]
        out = outputs() if last else _in_flight(known)
        maps += [
            f'output_map {{ key: "{tensor.name}" value: "{tensor.name}" }}'
            if last
            else _mapped("output", tensor.name, place)
            for tensor in out
        ]
        lines += [f'  step [{{ model_name: "{step}" model_version: -1 {" ".join(maps)} }}]']
    return "\n".join([*lines, "}"]) + "\n"


def _mapped(kind: str, name: str, place: int) -> str:
    return f'{kind}_map {{ key: "{name}" value: "{name}_{place}" }}'


def _new_columns(stage: Stage, known: Sequence[str]) -> list[str]:
    return [name for name in stage.gives if name not in ("candidates", "scores", *known)]


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
