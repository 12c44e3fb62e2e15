"""Who may know whom, where the import contracts of the layers do not reach: other people's packages."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import shortlist

SOURCE = Path(shortlist.__file__).parent
SERVING = (
    "io",
    "features",
    "profiling",
    "index",
    "store",
    "metrics",
    "runtime",
    "bundle",
    "pipeline",
    "server",
    "monitor",
)
TRAINING = (
    "nn",
    "models",
    "train",
    "loader",
    "losses",
    "samplers",
    "export",
    "evaluation",
    "split",
    "datasets",
    "recipes",
)
TENSORS = ("nn", "losses", "samplers", "models")
LIVED_IN = tuple(room for room in SERVING if (SOURCE / room).is_dir())


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def files(room: str) -> list[Path]:
    return sorted((SOURCE / room).rglob("*.py"))


@pytest.mark.parametrize("room", LIVED_IN)
def test_a_serving_room_names_nothing_that_trains(room: str) -> None:
    for path in files(room):
        names = imported(path)
        assert not {name for name in names if name.split(".")[0] in ("torch", "safetensors", "numba")}, path
        rooms = {name.split(".")[1] for name in names if name.startswith("shortlist.")}
        assert not rooms & set(TRAINING), path


@pytest.mark.parametrize("room", TENSORS)
def test_rooms_of_tensors_name_no_polars(room: str) -> None:
    for path in files(room):
        assert not {name for name in imported(path) if name.split(".")[0] == "polars"}, path


def test_nothing_names_the_testing_room() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        if (SOURCE / "testing") not in path.parents:
            assert not {name for name in imported(path) if name.startswith("shortlist.testing")}, path


def test_serving_rooms_load_nothing_that_trains() -> None:
    code = f"""
import json, sys
from importlib import import_module
for room in {(*LIVED_IN, "cli", "features.ops")!r}:
    import_module("shortlist." + room)
print(json.dumps(sorted(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = json.loads(answer.stdout)
    assert not {name.split(".")[0] for name in loaded} & {
        "torch",
        "safetensors",
        "onnx",
        "onnxscript",
        "numba",
    }
    assert not {name for name in loaded if name.startswith("shortlist.") and name.split(".")[1] in TRAINING}
