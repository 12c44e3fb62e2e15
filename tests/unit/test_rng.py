import numpy as np

from shortlist.rng import derive, generator, request_seed, request_seeds, uniforms


def test_seeds_are_stable_across_processes() -> None:
    # BLAKE2b of "0\x1floader", so the number may never change between versions or machines.
    assert derive(0, "loader") == derive(0, "loader")
    assert 0 <= derive(0, "loader") < 2**63


def test_purposes_of_a_seed_are_independent() -> None:
    assert len({derive(0, "a"), derive(0, "b"), derive(1, "a"), derive(0, "a", "b")}) == 4
    assert generator(3, "x").random() != generator(3, "y").random()


def test_a_request_keeps_its_seed_whatever_its_batch() -> None:
    assert request_seed(0, "r", "u") == derive(0, "request", "r", "u")


def test_uniforms_are_uniform_and_of_their_own() -> None:
    seeds = request_seeds(1, [], list(range(400)))
    drawn = uniforms(np.repeat(seeds, 50), np.tile(np.arange(50), 400)).reshape(400, 50)
    assert 0 < drawn.min() < drawn.max() < 1
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 0.03
    np.testing.assert_array_equal(uniforms(seeds[7:9], np.array([3, 4])), [drawn[7, 3], drawn[8, 4]])
    assert request_seeds(1, ["r"], ["u"])[0] == request_seed(1, "r", "u")
