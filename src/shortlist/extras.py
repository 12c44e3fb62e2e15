"""Optional dependencies: one clear error when one is missing."""

from importlib import import_module
from types import ModuleType

from shortlist.errors import MissingExtraError

__all__ = ["need"]

_EXTRA_OF = {
    "torch": "train",
    "safetensors": "train",
    "onnx": "train",
    "onnxscript": "train",
    "numba": "train",
    "tokenizers": "text",
    "transformers": "text-export",
    "tensorboard": "tensorboard",
    "mlflow": "mlflow",
    "distributed": "cluster",
    "dask": "cluster",
    "deltalake": "delta",
    "pyiceberg": "iceberg",
    "optuna": "tune",
    "lightgbm": "trees",
    "xgboost": "trees",
    "grpc": "grpc",
    "google": "grpc",
    "psycopg": "pgvector",
    "redis": "redis",
    "feast": "feast",
}


def need(module: str, *, use: str) -> ModuleType:
    """Import an optional module or say which extra brings it.

    Args:
        module: dotted module name, for example ``"torch"``.
        use: what it is needed for, as it will stand in the message.

    Raises:
        MissingExtraError: the module is not installed.

    >>> need("json", use="reading a manifest").__name__
    'json'
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.split(".", maxsplit=1)[0]
        extra = _EXTRA_OF.get(package)
        target = f"shortlist[{extra}]" if extra else package
        raise MissingExtraError(
            use,
            expected=f"the package {package!r}",
            received="no such package",
            remedy=f"pip install '{target}'",
        ) from error
