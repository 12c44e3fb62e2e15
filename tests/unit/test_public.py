"""What a user may rely on: public names, and an import that costs nothing."""

import ast
import inspect
import json
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

import shortlist
from shortlist.errors import MissingExtraError

SOURCE = Path(shortlist.__file__).parent
ROOMS = sorted(
    ".".join(("shortlist", *path.parent.relative_to(SOURCE).parts))
    for path in SOURCE.rglob("__init__.py")
    if path.parent != SOURCE
)
HEAVY = (
    "faiss",
    "msgspec",
    "numba",
    "numpy",
    "onnx",
    "onnxruntime",
    "polars",
    "pyarrow",
    "scipy",
    "starlette",
    "torch",
)


@pytest.mark.parametrize("name", shortlist.__all__)
def test_a_public_name_is_there_and_told_of(name: str) -> None:
    value = getattr(shortlist, name)
    told = inspect.getdoc(value)
    assert told is not None
    assert told[0].isupper() or told.startswith("``")
    assert name in dir(shortlist)


def test_public_names_are_sorted_and_stay_once_used() -> None:
    assert shortlist.__all__ == sorted(set(shortlist.__all__))
    assert shortlist.Take is vars(shortlist)["Take"]


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'Tower'; public names: .*TwoTower"):
        shortlist.Tower  # noqa: B018


@pytest.mark.parametrize("room", ROOMS)
def test_the_names_of_a_room_are_exact(room: str) -> None:
    module = import_module(room)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    imported = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    ]
    assert sorted(getattr(module, "__all__", ())) == sorted(set(imported))
    assert all(hasattr(module, name) for name in imported)
    assert not [name for name in imported if name.startswith("_")]
    assert module.__doc__


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("_[a-z]*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_a_private_module_says_what_others_may_use(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    (said,) = [ast.literal_eval(node.value) for node in named]
    made = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        made |= {
            each.id for target in targets if target for each in ast.walk(target) if isinstance(each, ast.Name)
        }
    assert set(said) <= made


def test_the_import_is_light() -> None:
    run = "import json, sys; import shortlist; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", run], check=True, capture_output=True, text=True)
    modules = json.loads(answer.stdout)
    assert not [name for name in modules if name.split(".")[0] in HEAVY]
    assert [name for name in modules if name.split(".")[0] == "shortlist"] == ["shortlist"]


def test_the_import_is_quick() -> None:
    def best(code: str) -> float:
        seconds = []
        for _ in range(4):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    assert best("import shortlist") < 3 * best("pass") + 0.15


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: str) -> object:
        raise ModuleNotFoundError(f"No module named {path!r}", name="torch.nn")

    monkeypatch.setattr(shortlist, "import_module", missing)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(vars(shortlist), "TwoTower", raising=False)
    with pytest.raises(MissingExtraError, match=r"shortlist\.TwoTower.*pip install 'shortlist\[train\]'"):
        shortlist.TwoTower  # noqa: B018


def test_a_room_that_is_broken_is_not_blamed_on_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: str) -> object:
        raise ModuleNotFoundError(f"No module named {path!r}", name="shortlist.models")

    monkeypatch.setattr(shortlist, "import_module", broken)
    monkeypatch.delitem(vars(shortlist), "TwoTower", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"shortlist\.models"):
        shortlist.TwoTower  # noqa: B018
