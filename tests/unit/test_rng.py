from shortlist.rng import derive, generator, request_seed


def test_seeds_are_stable_across_processes() -> None:
    # BLAKE2b of "0\x1floader", so the number may never change between versions or machines.
    assert derive(0, "loader") == derive(0, "loader")
    assert 0 <= derive(0, "loader") < 2**63


def test_purposes_of_a_seed_are_independent() -> None:
    assert len({derive(0, "a"), derive(0, "b"), derive(1, "a"), derive(0, "a", "b")}) == 4
    assert generator(3, "x").random() != generator(3, "y").random()


def test_a_request_keeps_its_seed_whatever_its_batch() -> None:
    assert request_seed(0, "r", "u") == derive(0, "request", "r", "u")
