"""Number formats and memory of training."""

import platform
import subprocess
import sys

import pytest
import torch

from shortlist.nn import bf16_supported, keep_freed_memory, mixed_precision


@pytest.mark.parametrize("native", [True, False])
def test_auto_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert bf16_supported() is native
    with mixed_precision("auto"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if native else torch.float32)


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
