import os
from collections.abc import Iterator

import pytest

from shortlist.testing._redis import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server."""
    program = os.environ.get("SHORTLIST_REDIS")
    if program is None:
        pytest.fail("SHORTLIST_REDIS must be the path of redis-server; make test-services sets it")
    held = RedisServer(program, tmp_path_factory.mktemp("redis")).start()
    yield held
    held.stop()
