"""Object storage and web servers, spoken to over the loopback interface."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qs, unquote, urlsplit

import polars as pl
import pytest

from shortlist.errors import ArgumentError, DataError
from shortlist.io import Dataset, scan
from shortlist.testing._io import assert_accounted

FRAME = pl.DataFrame({"user_id": range(100), "item_id": [f"0{n}" for n in range(100)]})


class Store(BaseHTTPRequestHandler):
    """Files of a folder as objects: the first folder is the bucket. Lists them as S3 does."""

    protocol_version = "HTTP/1.1"
    root: Path

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, form: str, *args: object) -> None:
        """Nothing is logged."""

    def _answer(self, *, body: bool) -> None:
        url = urlsplit(self.path)
        path = self.root / unquote(url.path).strip("/")
        query = parse_qs(url.query)
        if "list-type" in query:
            self._send(200, self._listing(path, query.get("prefix", [""])[0]), {}, body)
        elif not path.is_file():
            self._send(404, b"<Error><Code>NoSuchKey</Code></Error>", {}, body)
        else:
            self._send_file(path.read_bytes(), self.headers.get("Range"), body)

    def _listing(self, bucket: Path, prefix: str) -> bytes:
        keys = {
            path.relative_to(bucket).as_posix(): path.stat().st_size
            for path in sorted(bucket.rglob("*"))
            if path.is_file()
        }
        found = "".join(
            f"<Contents><Key>{key}</Key><Size>{size}</Size><ETag>1</ETag>"
            "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, size in keys.items()
            if key.startswith(prefix)
        )
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
        return text.encode()

    def _send_file(self, content: bytes, span: str | None, body: bool) -> None:
        if span is None:
            self._send(200, content, {"ETag": '"1"'}, body)
            return
        low, _, high = span.removeprefix("bytes=").partition("-")
        start = int(low) if low else max(0, len(content) - int(high))
        stop = min(int(high) + 1 if low and high else len(content), len(content))
        head = {"ETag": '"1"', "Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
        self._send(206, content[start:stop], head, body)

    def _send(self, status: int, content: bytes, head: dict[str, str], body: bool) -> None:
        self.send_response(status)
        plain = {"Content-Length": str(len(content)), "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
        for name, value in (plain | head).items():
            self.send_header(name, value)
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(content)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    handler = type("Here", (Store,), {"root": tmp_path})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def options(endpoint: str) -> dict[str, str]:
    keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests", "aws_region": "us-east-1"}
    return keys | {"aws_endpoint_url": endpoint, "aws_allow_http": "true"}


@pytest.mark.parametrize("name", ["log.parquet", "log.csv", "log.arrow"])
def test_a_file_in_a_bucket_and_on_a_web_server(tmp_path: Path, store: str, name: str) -> None:
    (tmp_path / "bucket").mkdir()
    path = tmp_path / "bucket" / name
    {".parquet": FRAME.write_parquet, ".csv": FRAME.write_csv, ".arrow": FRAME.write_ipc}[path.suffix](path)
    for data in (
        scan(f"s3://bucket/{name}", storage_options=options(store), partition_rows=60),
        scan(f"{store}/bucket/{name}?signature=secret", partition_rows=60),
    ):
        assert_accounted(data)
        assert len(data.partitions) == 2
        assert data.collect().select(FRAME.columns).equals(FRAME)


def test_a_folder_and_a_glob_of_parquet_files(tmp_path: Path, store: str) -> None:
    for day in (1, 2):
        folder = tmp_path / "bucket" / "log" / f"day=2024-01-0{day}"
        folder.mkdir(parents=True)
        FRAME.write_parquet(folder / "part.parquet")
    for url in ("s3://bucket/log", "s3://bucket/log/", "s3://bucket/log/*/*.parquet"):
        data = Dataset.read(url, storage_options=options(store))
        assert data.count() == 200
        assert data.schema["day"].dtype == "datetime"
        assert data.collect().filter(pl.col("day").dt.day() == 2).height == 100


def test_a_delta_table_in_a_bucket_is_read_by_its_log(tmp_path: Path, store: str) -> None:
    import deltalake

    folder = tmp_path / "bucket" / "table"
    deltalake.write_deltalake(folder, FRAME.to_arrow())
    deltalake.DeltaTable(folder).delete("user_id < 90")
    assert Dataset.read("s3://bucket/table", storage_options=options(store)).count() == 10


def test_an_iceberg_table_in_a_bucket_asks_for_its_metadata_file(tmp_path: Path, store: str) -> None:
    (tmp_path / "bucket" / "table" / "metadata").mkdir(parents=True)
    (tmp_path / "bucket" / "table" / "metadata" / "00000-a.metadata.json").write_text("{}")
    with pytest.raises(DataError, match="expected one of its metadata files; received an Iceberg table"):
        Dataset.read("s3://bucket/table/", storage_options=options(store))


def test_what_is_not_there_is_named_without_its_secrets(tmp_path: Path, store: str) -> None:
    (tmp_path / "bucket").mkdir()
    with pytest.raises(DataError, match=r"s3://bucket/none\.parquet: .*404") as caught:
        scan("s3://bucket/none.parquet", storage_options=options(store))
    assert "tests" not in str(caught.value)
    with pytest.raises(DataError, match=r"s3://bucket/none/\*\*/\*\.parquet: .*paths were empty"):
        scan("s3://bucket/none/", storage_options=options(store))
    with pytest.raises(DataError, match=r"bucket/none\.csv: .*404") as caught:
        scan(f"{store}/bucket/none.csv?signature=secret")
    assert "secret" not in str(caught.value)


def test_a_store_that_does_not_answer_is_told_soon() -> None:
    begun = monotonic()
    with pytest.raises(DataError, match=r"s3://bucket/log/: .*storage_options \(keys, region, endpoint\)"):
        scan("s3://bucket/log/", storage_options=options("http://127.0.0.1:9"))
    assert monotonic() - begun < 5
    with pytest.raises(DataError, match="Account must be specified"):
        scan("az://container/log.parquet")


def test_options_and_urls_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "log.parquet")
    with pytest.raises(ArgumentError, match=r"options \['aws_region'\] and no URL"):
        scan(tmp_path / "log.parquet", storage_options={"aws_region": "x"})
    with pytest.raises(DataError, match="a URL of 'hdfs'"):
        scan("hdfs://host/log.parquet")
    with pytest.raises(DataError, match=r"a URL that ends in 'log\.xlsx'"):
        scan("https://host.invalid/log.xlsx")
