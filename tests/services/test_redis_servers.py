"""Servers that share users and events in a Redis; its program is named by SHORTLIST_REDIS."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from shortlist.testing._bundles import tiny_bundle
from shortlist.testing._redis import RedisServer

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    held = RedisServer(os.environ["SHORTLIST_REDIS"], tmp_path_factory.mktemp("redis")).start()
    yield held
    held.stop()


def shortlist(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shortlist", *words], capture_output=True, text=True, check=False
    )


@contextmanager
def serving(bundle: Path, url: str, live: str) -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "shortlist", "serve", str(bundle), "--port", "0", "--store", url]
    command += ["--live", str(bundle.with_name(live))]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = None
    while found is None:
        line = process.stderr.readline()
        assert line, "the server ended"
        found = re.search(r"http://([\d.:]+)", line)
    try:
        with httpx.Client(base_url=found[0], timeout=30) as client:
            while client.get("/health/ready").status_code != 200:
                time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=30)


def items(client: httpx.Client, user: str | None) -> list[str]:
    answer = client.post("/recommend", json={"user": user})
    assert answer.status_code == 200, answer.text
    return [item["item"] for item in answer.json()["results"][0]["items"]]


def took(client: httpx.Client, user: str, item: str) -> int:
    return client.post("/events", json={"events": [{"user": user, "item": item}]}).status_code


def test_two_servers_share_what_users_do_and_outlive_redis(redis: RedisServer, tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "shop")
    url = f"{redis.url}?namespace=shop&retry_ms=0&timeout_ms=2000"
    nothing = shortlist("serve", str(bundle), "--port", "0", "--store", url)
    assert nothing.returncode != 0
    assert "shortlist load-store" in nothing.stderr
    loaded = shortlist("load-store", str(bundle), url)
    assert loaded.returncode == 0, loaded.stderr
    assert "3 users, 0 items, 6 events" in loaded.stdout
    with serving(bundle, url, "one") as one, serving(bundle, url, "two") as other:
        assert items(one, "u1") == items(other, "u1") == ["i1", "i2"]
        assert took(one, "new", "i4") == 200
        assert items(one, "new") == items(other, "new") == ["i4"]
        assert took(other, "new", "i1") == 200
        assert took(other, "new", "i1") == 200
        assert items(one, "new") == ["i1", "i4"]
        redis.stop(kill=True)
        assert items(one, "u1") == ["i1", "i2"]  # as the bundle knows them
        assert items(one, "new") == items(one, None)  # a stranger to the bundle
        assert took(one, "new", "i2") >= 400
        assert re.search(r'store_failures_total.*reason="connection"} [1-9]', one.get("/metrics").text)
        redis.start()
        assert items(one, "new") == items(other, "new") == ["i1", "i4"]
        assert took(one, "new", "i4") == 200
        assert items(other, "new") == ["i4", "i1"]  # twice each, i4 last
    assert not (tmp_path / "one" / "events").exists()
    gone = shortlist("forget", "new", "--bundle", str(bundle), "--store", url)
    assert gone.returncode == 0, gone.stderr
    assert "4 live events" in gone.stdout
    with serving(bundle, url, "one") as one:
        assert items(one, "new") == items(one, None)
