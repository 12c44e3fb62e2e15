"""The messages of the Open Inference Protocol's gRPC, made from a table of their fields."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from shortlist.extras import need

__all__ = ["messages"]

_PACKAGE = "inference"
_NAMED = "name:1:string version:2:string"
_TENSOR = "name:1:string datatype:2:string shape:3:int64*"

# Message -> its fields, name:number:type, * for repeated. Parameters are left out: nothing here reads them,
# and what a message does not know is skipped.
_FIELDS: Mapping[str, str] = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "live:1:bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready:1:bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "name:1:string version:2:string extensions:3:string*",
    "ModelReadyRequest": _NAMED,
    "ModelReadyResponse": "ready:1:bool",
    "ModelMetadataRequest": _NAMED,
    "ModelMetadataResponse": "name:1:string versions:2:string* platform:3:string"
    " inputs:4:Metadata* outputs:5:Metadata*",
    "Metadata": _TENSOR,
    "Contents": "bool_contents:1:bool* int_contents:2:int32* int64_contents:3:int64* uint_contents:4:uint32*"
    " uint64_contents:5:uint64* fp32_contents:6:float* fp64_contents:7:double* bytes_contents:8:bytes*",
    "InputTensor": f"{_TENSOR} contents:5:Contents",
    "RequestedOutput": "name:1:string",
    "OutputTensor": _TENSOR,
    "ModelInferRequest": "model_name:1:string model_version:2:string id:3:string inputs:5:InputTensor*"
    " outputs:6:RequestedOutput* raw_input_contents:7:bytes*",
    "ModelInferResponse": "model_name:1:string model_version:2:string id:3:string outputs:5:OutputTensor*"
    " raw_output_contents:6:bytes*",
}


def messages() -> Any:
    """The classes of the messages, as attributes.

    Raises:
        MissingExtraError: protobuf is not installed.
    """
    protobuf = need("google.protobuf", use="serving over gRPC")
    need("google.protobuf.descriptor_pb2", use="serving over gRPC")
    need("google.protobuf.message_factory", use="serving over gRPC")
    file = protobuf.descriptor_pb2.FileDescriptorProto(
        name="shortlist_inference.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for text in fields.split():
            _add(message, *text.split(":"))
    pool = protobuf.descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in _FIELDS}
    return SimpleNamespace(
        **{name: protobuf.message_factory.GetMessageClass(kind) for name, kind in found.items()}
    )


def _add(message: Any, name: str, number: str, kind: str) -> None:
    field = message.field.add(name=name, number=int(number))
    field.label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
    kind = kind.rstrip("*")
    if kind in _FIELDS:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
