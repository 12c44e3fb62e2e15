import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

import shortlist
from shortlist.models.classical import EASE, IALS, SLIM, ItemKNN, RP3beta
from shortlist.models.classical import _compiled as module


def test_little_work_is_not_worth_compiling() -> None:
    assert not module.pays(1e6)
    assert module.pays(1e12)


def test_without_numba_learners_fit_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "numba" else find_spec(name))
    monkeypatch.setattr(module, "_STEPS", 0)
    monkeypatch.setitem(sys.modules, "numba", None)
    X = csr_array(np.random.default_rng(0).integers(0, 2, (20, 8)).astype(float))
    for learner in (ItemKNN(), RP3beta(), SLIM(), EASE(), IALS(dim=2)):
        assert np.isfinite(learner.fit(X).scores(X)).all()


_FIT = """
import numpy as np
from scipy.sparse import csr_array
from shortlist.models.classical import ItemKNN, _compiled
_compiled._STEPS = 0
ItemKNN().fit(csr_array(np.eye(3)))
"""


def test_compiling_leaves_nothing_on_disk(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    environment = {**os.environ, **home, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", _FIT], check=True, cwd=tmp_path, env=environment)
    assert list(tmp_path.rglob("*")) == []
    rooms = [Path(shortlist.__file__).parent / room for room in ("models", "scorers")]
    assert [path for room in rooms for path in room.rglob("*.nbi")] == []
