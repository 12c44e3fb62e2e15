"""Type checkers read ``__init__.pyi``; it names what the package gives."""

import ast
from pathlib import Path

import shortlist


def test_the_stub_names_every_public_name_and_no_other() -> None:
    tree = ast.parse(Path(shortlist.__file__).with_suffix(".pyi").read_text())
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert (
        sorted(alias.asname or alias.name for node in imported for alias in node.names) == shortlist.__all__
    )


def test_the_stub_takes_each_name_from_where_it_is() -> None:
    tree = ast.parse(Path(shortlist.__file__).with_suffix(".pyi").read_text())
    for node in tree.body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else []:
            value = getattr(shortlist, alias.asname or alias.name)
            home = __import__(node.module or "", fromlist=[alias.name])
            assert getattr(home, alias.name) is value
