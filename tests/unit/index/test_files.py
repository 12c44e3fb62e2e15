"""An index on disk: whole, mapped, and refused when damaged."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shortlist.errors import BundleError
from shortlist.index import KINDS, IndexOptions, build, load
from shortlist.testing._index import planted_vectors

SMALL = IndexOptions(recall_at=20, sample=64)


@pytest.fixture
def folder(tmp_path):
    build(planted_vectors(), [f"i{n}" for n in range(600)], fingerprint="model").save(tmp_path / "index")
    return tmp_path / "index"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mapped", [True, False])
def test_a_loaded_index_answers_as_before(kind, mapped, tmp_path):
    vectors, queries = planted_vectors(), planted_vectors(30, seed=1)
    index = build(vectors, range(600), kind=kind, options=SMALL)
    index.save(tmp_path / "index")
    other = load(tmp_path / "index", mapped=mapped)
    assert other.facts == index.facts
    assert other.keys.values.dtype == np.int64
    for allowed in (None, np.arange(600) % 2 == 0):
        for one, two in zip(
            index.search(queries, 9, allowed=allowed), other.search(queries, 9, allowed=allowed), strict=True
        ):
            np.testing.assert_array_equal(one, two)


def test_no_items_can_be_saved(tmp_path):
    build(planted_vectors(0, 4), [], kind="ivf").save(tmp_path / "index")
    assert len(load(tmp_path / "index")) == 0


def test_a_mapped_index_outlives_its_replacement(folder):
    old = load(folder)
    before = old.search(planted_vectors(3, seed=1), 5)[0]
    build(planted_vectors(50, seed=7), range(50)).save(folder)
    np.testing.assert_array_equal(old.search(planted_vectors(3, seed=1), 5)[0], before)
    assert len(load(folder)) == 50


def test_threads_are_set_at_loading(folder):
    assert load(folder, threads=2).threads == 2


def test_another_models_index_is_refused(folder):
    assert load(folder, fingerprint="model").facts.model == "model"
    with pytest.raises(BundleError, match="vectors of the model 'model'"):
        load(folder, fingerprint="newer")


def test_queries_of_another_width_are_refused(folder):
    assert load(folder, dim=16).dim == 16
    with pytest.raises(BundleError, match=r"expected vectors of width 32; received vectors of width 16"):
        load(folder, dim=32)


def test_another_metric_is_refused(folder):
    path = folder / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metric": "l2"}))
    with pytest.raises(BundleError, match=r"expected the metric 'inner_product'; received the metric 'l2'"):
        load(folder)


def test_a_missing_file_of_vectors_is_named(tmp_path):
    build(planted_vectors(), range(600), kind="pq", options=SMALL).save(tmp_path / "index")
    (tmp_path / "index" / "vectors.faiss").unlink()
    with pytest.raises(BundleError, match=r"vectors\.faiss"):
        load(tmp_path / "index")


MEASURED = """
import sys, numpy as np
from shortlist.index import load

def anonymous():
    text = open("/proc/self/status").read()
    return int(text.split("RssAnon:")[1].split()[0])

warm = load(sys.argv[1], verify=False)  # what FAISS and Arrow need for themselves
before = anonymous()
held = [load(folder, verify=False) for folder in sys.argv[2:]]
print(anonymous() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts the pages of a Linux process")
def test_mapped_vectors_take_no_memory_of_the_process(tmp_path):
    vectors = planted_vectors(20_000, 64)
    given = replace(SMALL, lists=50, effort=5, refine=2)
    kinds = ("exact", "ivf", "sq8", "ivf_pq")
    for kind in kinds:
        build(vectors, np.arange(20_000), kind=kind, options=given).save(tmp_path / kind)
    run = [sys.executable, "-c", MEASURED, *(str(tmp_path / kind) for kind in (kinds[0], *kinds))]
    grown = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert grown < 4 * 800  # kB: ids and bookkeeping; the vectors are 4 times 5,000


@pytest.mark.parametrize("name", ["index.faiss", "ids.arrow", "index.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        load(folder)


@pytest.mark.parametrize("name", ["index.faiss", "ids.arrow"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_truncated_file_is_refused(folder, name, verify):
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BundleError, match="build the index again"):
        load(folder, verify=verify)


def test_one_changed_byte_is_found(folder):
    path = folder / "index.faiss"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"index\.faiss: .*checksum"):
        load(folder)


def test_files_of_two_indexes_do_not_mix(folder, tmp_path):
    build(planted_vectors(50), range(50)).save(tmp_path / "other")
    (tmp_path / "other" / "index.faiss").replace(folder / "index.faiss")
    with pytest.raises(BundleError, match="50 x 16 vectors and 600 ids"):
        load(folder, verify=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_facts_of_another_version_are_refused(folder, change, message):
    path = folder / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BundleError, match=message):
        load(folder)


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_damaged_facts_are_refused(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(BundleError, match=r"index\.json"):
        load(folder)


def test_no_folder_is_a_clear_error(tmp_path):
    with pytest.raises(BundleError, match=r"index\.json"):
        load(tmp_path / "nothing")
