"""Files and tables in object storage, named by URLs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from glob import has_magic

import polars as pl

from shortlist.errors import DataError, ShortlistError
from shortlist.io._files import KNOWN, DataFile, open_file
from shortlist.io._lake import METADATA, open_delta, open_iceberg

__all__ = ["is_url", "open_url", "reaching"]

_STORES = ("s3", "s3a", "gs", "gcs", "az", "azure", "adl", "abfs", "abfss", "hf")
_WEB = ("http", "https")
_KNOWN = (*_STORES, *_WEB)


def is_url(source: object) -> bool:
    """Whether a source is a URL.

    >>> is_url("s3://bucket/log/"), is_url("log.parquet")
    (True, False)
    """
    return isinstance(source, str) and "://" in source


def open_url(url: str, storage: Mapping[str, object] | None) -> DataFile | pl.LazyFrame:
    """What a URL names: a file, a glob of files, a Delta table, or a folder of Parquet files.

    The store is asked once before anything else, and retried once only, so that a wrong host or key is told
    in a second or so where the store's kind allows it.

    Raises:
        DataError: the URL is of no known kind, or cannot be reached or read.
        MissingExtraError: a table's reader is not installed.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _KNOWN or not rest:
        raise DataError(_shown(url), received=f"a URL of {scheme!r}", expected=f"a URL of one of {_KNOWN}")
    with reaching(url):
        file = DataFile(url, storage=storage)
        if file.name.endswith(METADATA):
            return open_iceberg(url, storage)
        if file.name.lower().endswith(KNOWN):
            open_file(DataFile(url, storage=_impatient(storage)), ()).collect_schema()
            return file
        if scheme in _WEB or has_magic(url):
            raise DataError(
                _shown(url), received=f"a URL that ends in {file.name!r}", expected=f"one of {KNOWN}"
            )
        return _open_folder(url.rstrip("/"), storage)


def _open_folder(url: str, storage: Mapping[str, object] | None) -> DataFile | pl.LazyFrame:
    if _any(f"{url}/_delta_log/*.json", storage):
        return open_delta(url, storage)
    if _any(f"{url}/metadata/*{METADATA}", storage):
        raise DataError(
            url,
            received="an Iceberg table",
            expected="one of its metadata files",
            remedy=f"name the newest file {url}/metadata/*{METADATA}, or pass what pl.scan_iceberg gives",
        )
    return open_url(f"{url}/**/*.parquet", storage)


def _any(glob: str, storage: Mapping[str, object] | None) -> bool:
    """Whether a glob finds a line of text in the store."""
    return not pl.scan_lines(glob, n_rows=1, storage_options=_impatient(storage)).collect().is_empty()


def _impatient(storage: Mapping[str, object] | None) -> dict[str, object]:
    return {"max_retries": 1, **(storage or {})}


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn what goes wrong with an object store into an error that names the URL, but not its secrets.

    Raises:
        DataError: the store or the object cannot be reached or read.
    """
    try:
        yield
    except ShortlistError:
        raise
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise DataError(
            _shown(url),
            received=" ".join(_without_query(str(error), url).split())[:400],
            expected="an object or a folder that can be reached with the credentials at hand",
            remedy="check the URL, storage_options (keys, region, endpoint) and the network",
        ) from error


def _without_query(text: str, url: str) -> str:
    _, mark, query = url.partition("?")
    return text.replace(mark + query, "").replace(query, "") if query else text


def _shown(url: str) -> str:
    return url.partition("?")[0]
