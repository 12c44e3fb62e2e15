"""What an unmodified `tritonclient` gets from a server: run by its own interpreter, prints JSON."""

import json
import sys
from importlib import import_module
from typing import Any

import numpy as np


def asked(kind: str, address: str, model: str) -> dict[str, Any]:
    """Ask for two users over HTTP or gRPC, in JSON where there is a choice, and as bytes."""
    client_library = import_module(f"tritonclient.{kind}")
    client = client_library.InferenceServerClient(address)
    told = {"live": client.is_server_live(), "ready": client.is_model_ready(model)}
    users = client_library.InferInput("user", [2], "BYTES")
    k = client_library.InferInput("k", [1], "INT32")
    forms = [{"binary_data": True}, {"binary_data": False}] if kind == "http" else [{}]
    for place, form in enumerate(forms):
        users.set_data_from_numpy(np.array(["u1", "new"], dtype=object), **form)
        k.set_data_from_numpy(np.array([2], dtype=np.int32), **form)
        outputs = [client_library.InferRequestedOutput(name, **form) for name in ("item", "score", "count")]
        answer = client.infer(model, [users, k], outputs=outputs, request_id=f"r{place}")
        items = [
            [item.decode() if isinstance(item, bytes) else item for item in row]
            for row in answer.as_numpy("item")
        ]
        told[f"items {place}"] = items
        told[f"scores {place}"] = np.round(answer.as_numpy("score").astype(float), 4).tolist()
        told[f"counts {place}"] = answer.as_numpy("count").tolist()
    metadata = client.get_model_metadata(model)
    inputs = metadata["inputs"] if kind == "http" else metadata.inputs
    told["inputs"] = [one["name"] if kind == "http" else one.name for one in inputs][:4]
    told["server"] = (
        (client.get_server_metadata()["name"]) if kind == "http" else client.get_server_metadata().name
    )
    try:
        client.infer("nobody", [users])
    except client_library.InferenceServerException as error:
        told["error"] = error.message()
    return told


if __name__ == "__main__":
    print(json.dumps(asked(*sys.argv[1:])))
