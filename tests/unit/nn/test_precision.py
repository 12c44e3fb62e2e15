"""Number formats and memory of training."""

import platform
import subprocess
import sys

import pytest
import torch

from shortlist.nn import bf16_supported, keep_freed_memory, mixed_precision


@pytest.mark.parametrize("native", [True, False])
def test_auto_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert bf16_supported() is native
    with mixed_precision("auto"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if native else torch.float32)


def test_other_processors_are_asked_through_the_matrix_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert bf16_supported() is False
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert bf16_supported() is bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_a_named_precision_is_kept(precision: str, dtype: torch.dtype) -> None:
    with mixed_precision(precision):  # type: ignore[arg-type]
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_devices_without_bfloat16() -> None:
    assert not bf16_supported("meta")
    assert bf16_supported("cuda") in {True, False}


def test_keeping_freed_memory_depends_on_the_c_library() -> None:
    # In a process of its own, as the setting lasts until the process ends.
    code = "from shortlist.nn import keep_freed_memory; print(keep_freed_memory())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(platform.libc_ver()[0] == "glibc")


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False
