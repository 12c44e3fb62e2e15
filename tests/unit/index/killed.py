"""A program that is killed at every step of a publication and of an edit; run by test_versions.py.

It prints, for each kind of work, how many steps there were.
"""

import sys
from pathlib import Path

import numpy as np

from shortlist.index import LiveIndex, build, current, load, publish, versions
from shortlist.testing._kills import killed_at_every_step

VECTORS = np.eye(4, dtype=np.float32)


def main(folder: Path) -> None:
    small, large = build(VECTORS[:2], [0, 1]), build(VECTORS, range(4))
    publish(small, folder)

    def published(done: bool) -> None:
        name, index = current(folder), load(folder)
        assert name in versions(folder)
        assert (len(index) == 4) if done else (len(index) in (2, 4))
        assert index.search(VECTORS[:1], 1)[0].tolist() == [[0]]
        publish(small, folder, keep=2)

    def edited(done: bool) -> None:
        live = LiveIndex(folder).open()
        assert (len(live) == 3) if done else (len(live) in (2, 3))
        live.delete([9])
        assert LiveIndex(folder).open().current.keys.values.tolist() == [0, 1]

    def rebuilt(done: bool) -> None:
        live = LiveIndex(folder).open()
        assert live.current.keys.values.tolist() == [0, 1, 2]
        assert live.version == max(versions(folder)) or not done

    print(killed_at_every_step(lambda: publish(large, folder, keep=2), published))
    publish(small, folder)
    print(killed_at_every_step(lambda: LiveIndex(folder).open().upsert([9], VECTORS[2:3]), edited))
    LiveIndex(folder).open().upsert([2], VECTORS[2:3])
    print(killed_at_every_step(LiveIndex(folder).open().rebuild, rebuilt))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
