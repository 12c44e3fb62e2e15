import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.errors import BundleError, ExportError
from shortlist.runtime import load_learner, save_learner
from shortlist.scorers import ItemPopularity, ItemWeights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_learner(ItemWeights(np.arange(9, dtype=np.float32).reshape(3, 3)), tmp_path / "part")
    return tmp_path / "part"


def test_a_learner_loads_as_it_was_saved(folder: Path) -> None:
    model = load_learner(folder)
    assert isinstance(model, ItemWeights)
    assert model.scores(csr_array(np.array([[0, 1, 0]]))).tolist() == [[3, 4, 5]]
    assert sorted(path.name for path in folder.iterdir()) == ["part.json", "weights.npy"]


def test_a_saved_learner_is_replaced_whole(folder: Path) -> None:
    save_learner(ItemPopularity(np.ones(2)), folder)
    assert isinstance(load_learner(folder), ItemPopularity)
    assert sorted(path.name for path in folder.iterdir()) == ["part.json", "popularity.npy"]


def test_other_objects_are_refused(tmp_path: Path) -> None:
    class Mine(ItemPopularity):
        pass

    for other in (object(), Mine(np.ones(2))):
        with pytest.raises(ExportError, match="a fitted classical model"):
            save_learner(other, tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_a_damaged_file_is_named(folder: Path) -> None:
    path = folder / "weights.npy"
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(BundleError, match=r"weights.npy.*differs from its checksum"):
        load_learner(folder)
    assert isinstance(load_learner(folder, verify=False), ItemWeights)
    path.write_bytes(whole[:-4])
    with pytest.raises(BundleError, match="differs from its checksum"):
        load_learner(folder, verify=False)
    path.unlink()
    with pytest.raises(BundleError, match="FileNotFoundError"):
        load_learner(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, "format 99"),
        ({"kind": "encoder"}, "kind 'encoder'"),
        ({"model": "item_weight"}, "did you mean 'item_weights'"),
        ({"model": "own_items"}, "expected an array 'popularity'"),
        ({"files": None}, "files of one classical model"),
    ],
)
def test_other_facts_are_refused(folder: Path, change: dict[str, Any], words: str) -> None:
    path = folder / "part.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BundleError, match=words):
        load_learner(folder)


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"part.json.*FileNotFoundError"):
        load_learner(tmp_path)
