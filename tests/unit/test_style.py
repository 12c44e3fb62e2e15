"""The house style, read off the syntax trees."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "shortlist"
FILES = sorted(SOURCE.rglob("*.py"))
BANNED = {"utils", "helpers", "common", "core", "base", "misc", "manager", "processor", "v2"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _words(name: str) -> set[str]:
    spaced = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return set(spaced.strip("_").split("_"))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_file_keeps_the_house_profile(path: Path) -> None:
    tree = _tree(path)
    faults = [f"{len(path.read_text().splitlines())} lines"] if _too_long(path) else []
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            faults += _function_faults(node)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and _words(node.name) & BANNED:
            faults.append(f"line {node.lineno}: banned name {node.name}")
    assert not faults, faults


def _too_long(path: Path) -> bool:
    return len(path.read_text().splitlines()) > 400


def _function_faults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    faults = []
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if length > 60:
        faults.append(f"line {node.lineno}: {node.name} has {length} lines")
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    if len(named) > 8:
        faults.append(f"line {node.lineno}: {node.name} has {len(named)} parameters")
    untyped = [argument.arg for argument in named if argument.annotation is None]
    if untyped or node.returns is None:
        faults.append(f"line {node.lineno}: {node.name} is not wholly typed {untyped}")
    return faults


def test_module_names_say_what_they_hold() -> None:
    assert [path for path in FILES if _words(path.stem) & BANNED] == []


def test_only_the_command_line_prints() -> None:
    def prints(path: Path) -> bool:
        calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
        return any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)

    assert [str(path) for path in FILES if prints(path) and "cli" not in path.parts] == []


def test_no_pickle_and_no_eval_anywhere() -> None:
    def dangerous(path: Path) -> list[str]:
        found = []
        for node in ast.walk(_tree(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"eval", "exec"}
            ):
                found.append(f"{path}:{node.lineno} {node.func.id}")
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [
                f"{path}:{node.lineno} {m}" for m in modules if m.split(".")[0] in {"pickle", "cloudpickle"}
            ]
        return found

    assert [fault for path in FILES for fault in dangerous(path)] == []


def test_no_global_random_state() -> None:
    def seeds(path: Path) -> bool:
        text = path.read_text()
        return any(call in text for call in ("np.random.seed", "torch.manual_seed", "random.seed("))

    assert [str(path) for path in FILES if seeds(path)] == []


def _in_project_depth() -> dict[str, int]:
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for path in FILES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
    }

    def depth(name: str) -> int:
        return 1 + max((depth(base) for base in bases[name] if base in bases and base != name), default=-1)

    return {name: depth(name) for name in bases}


def test_inheritance_is_shallow() -> None:
    assert {name: depth for name, depth in _in_project_depth().items() if depth > 2} == {}


def test_every_package_states_its_exports_sorted() -> None:
    def exports(path: Path) -> list[str] | None:
        for node in _tree(path).body:
            names = (
                [target.id for target in node.targets if isinstance(target, ast.Name)]
                if isinstance(node, ast.Assign)
                else []
            )
            if "__all__" in names:
                return list(ast.literal_eval(node.value))
        return None

    packages = [path for path in FILES if path.name == "__init__.py" and len(_tree(path).body) > 1]
    packages = [path for path in packages if path.parent != SOURCE]
    missing = [str(path) for path in packages if exports(path) is None]
    assert missing == []
