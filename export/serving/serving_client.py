"""A client for the SavedModel on TensorFlow Serving, by gRPC or REST."""

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import grpc

#: Name of the model on the server, as in its configuration file.
MODEL = "keras_3dmmstn"


class ServingError(RuntimeError):
    """Raised if a server cannot be reached or refuses a request; contains its answer."""


def photograph_inputs(
    photographs: Sequence[str | Path | bytes], boxes: np.ndarray | None = None
) -> tuple[str, dict[str, np.ndarray]]:
    """Returns the signature and inputs for JPEG or PNG files.

    Args:
        photographs: paths, or the files' contents.
        boxes: `(n, 4)` x0, y0, x1, y1, the tight box of the face's 68 landmarks in pixels of each
            photograph; None if the photographs are square crops of faces.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if there is not one box for each photograph.
    """
    contents = _contents(photographs)
    inputs = {"encoded": np.array(contents, object)}
    if boxes is None:
        return "serving_bytes", inputs
    boxes = np.asarray(boxes, np.float32)
    if boxes.shape != (len(contents), 4):
        raise ValueError(
            f"Expected boxes of shape ({len(contents)}, 4), one for each photograph, received "
            f"shape {boxes.shape}."
        )
    return "serving_faces", {**inputs, "boxes": boxes}


def group_inputs(
    photographs: Sequence[str | Path | bytes], boxes: Sequence[np.ndarray]
) -> tuple[str, dict[str, np.ndarray]]:
    """Returns the signature and inputs for JPEG or PNG files with several faces, each sent once.

    Args:
        photographs: paths, or the files' contents.
        boxes: for each photograph `(faces, 4)`, as for `photograph_inputs`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if there are not boxes for each photograph.
    """
    contents = _contents(photographs)
    groups = _groups(boxes)
    if len(groups) != len(contents):
        raise ValueError(
            f"Expected boxes for each of {len(contents)} photographs, received {len(groups)} lists."
        )
    padded = np.zeros((len(groups), max((1, *map(len, groups))), 4), np.float32)
    for row, group in zip(padded, groups, strict=True):
        row[: len(group)] = group
    return "serving_groups", {"encoded": np.array(contents, object), "boxes": padded}


def group_answers(
    outputs: dict[str, np.ndarray], boxes: Sequence[np.ndarray]
) -> list[dict[str, np.ndarray]]:
    """Returns the answers of `serving_groups` by photograph, without padding.

    Args:
        outputs: name to array `(photographs, faces, ...)`.
        boxes: as for `group_inputs`.

    Returns:
        For each photograph, name to array `(faces, ...)`.

    Raises:
        ValueError: if there are fewer answers than boxes.
    """
    groups = _groups(boxes)
    received = outputs["status"].shape
    expected = len(groups), max((0, *map(len, groups)))
    if received[0] != expected[0] or received[1] < expected[1]:
        raise ValueError(
            f"Expected answers for {expected[0]} photographs with up to {expected[1]} faces, "
            f"received answers of shape {received}."
        )
    return [
        {name: values[place, : len(group)] for name, values in outputs.items()}
        for place, group in enumerate(groups)
    ]


def predict_by_grpc(
    address: str,
    signature: str,
    inputs: dict[str, np.ndarray],
    model: str = MODEL,
    timeout: float = 10.0,
    credentials: "grpc.ChannelCredentials | None" = None,
) -> dict[str, np.ndarray]:
    """Asks a server by gRPC.

    Args:
        address: host and port, such as `localhost:8500`.
        signature: name of the signature.
        inputs: name to array; an array of bytes objects is sent as strings.
        model: name of the model on the server.
        timeout: in seconds.
        credentials: for a server with TLS, such as from `grpc.ssl_channel_credentials`; None for a
            server without TLS.

    Returns:
        Name to array. For photographs there is a `status` for each, 0 if it was answered, and a
        `message` that says why not.

    Raises:
        ServingError: if the server cannot be reached or refuses the whole request.
        ImportError: if the extra `serving` is not installed.
    """
    try:
        import grpc
        from tensorflow import make_ndarray, make_tensor_proto
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    except ImportError as error:
        raise ImportError(
            'The gRPC client needs tensorflow-serving-api: pip install "keras-3dmmstn[serving]".'
        ) from error
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(make_tensor_proto(values))
    with grpc_channel(address, credentials) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        try:
            response = stub.Predict(request, timeout)
        except grpc.RpcError as error:
            raise ServingError(f"{address}: {error.code().name}: {error.details()}") from error
    outputs = {name: make_ndarray(values) for name, values in response.outputs.items()}
    return {name: _as_text(v) if v.dtype == object else v for name, v in outputs.items()}


def predict_by_rest(
    address: str,
    signature: str,
    inputs: dict[str, np.ndarray],
    model: str = MODEL,
    timeout: float = 10.0,
) -> dict[str, np.ndarray]:
    """Asks a server by REST; arguments and result as for `predict_by_grpc`.

    Args:
        address: address of the server, such as `http://localhost:8501`.
        signature: name of the signature.
        inputs: name to array.
        model: name of the model on the server.
        timeout: in seconds.

    Raises:
        ServingError: if the server cannot be reached or refuses the request.
    """
    columns = {name: _as_json(values) for name, values in inputs.items()}
    body = json.dumps({"signature_name": signature, "inputs": columns}).encode()
    request = json_request(address, f"/v1/models/{model}:predict", body)
    outputs = json_answer(address, request, timeout)
    types = {"status": np.int32, "message": np.str_}
    try:
        columns = outputs["outputs"].items()
        return {n: np.array(values, types.get(n, np.float32)) for n, values in columns}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ServingError(
            f"{address}: expected the outputs of a model as of TensorFlow Serving, received "
            f"another answer ({error!r})"
        ) from error


def grpc_channel(
    address: str, credentials: "grpc.ChannelCredentials | None"
) -> "AbstractContextManager[grpc.Channel]":
    """Returns a channel to a server, with TLS if there are credentials."""
    import grpc

    # Textures of a batch are larger than gRPC's limit of 4 MB.
    limits = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
    if credentials is None:
        return grpc.insecure_channel(address, limits)
    return grpc.secure_channel(address, credentials, limits)


def json_request(address: str, path: str, body: bytes | None = None) -> urllib.request.Request:
    """Returns an HTTP request, a POST if there is a body.

    Raises:
        ServingError: if the address is invalid, such as one without http:// or https://.
    """
    try:
        request = urllib.request.Request(
            f"{address}{path}", body, {"Content-Type": "application/json"}
        )
        known = request.type in ("http", "https")
    except ValueError:
        known = False
    if not known:
        raise ServingError(
            f"expected the address of a server, such as http://localhost:8501, received {address}"
        )
    return request


def json_answer(address: str, request: urllib.request.Request, timeout: float) -> Any:
    """Returns a server's answer to an HTTP request.

    Raises:
        ServingError: if it cannot be reached, refuses the request, does not answer within `timeout`
            seconds, or answers with something other than JSON.
    """
    end = time.monotonic() + timeout
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            content = bytearray()
            while part := response.read1():
                content += part
                if time.monotonic() > end:  # the timeout of the socket begins anew with each part
                    raise TimeoutError("timed out")
            if response.length:
                raise http.client.IncompleteRead(bytes(content), response.length)
            return json.loads(content)
    except urllib.error.HTTPError as error:
        with error:
            reason = error.read().decode(errors="replace")[:1000]
        raise ServingError(f"{address}: {error.code}: {reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise ServingError(f"{address}: {error or repr(error)}") from error
    except ValueError as error:
        raise ServingError(
            f"{address}: expected an answer in JSON, received another answer ({error!r})"
        ) from error


def _contents(photographs):
    """Returns the contents of files."""
    return [p if isinstance(p, bytes) else Path(p).read_bytes() for p in photographs]


def _groups(boxes):
    """Returns the boxes of each photograph as `(faces, 4)`."""
    groups = [np.asarray(group, np.float32) for group in boxes]
    groups = [group.reshape(0, 4) if group.size == 0 else group for group in groups]
    strange = [group.shape for group in groups if group.shape != (len(group), 4)]
    if strange:
        raise ValueError(
            f"Expected boxes of shape (faces, 4) for each photograph, received shape {strange[0]}."
        )
    return groups


def _as_text(values):
    """Returns an array of bytes objects as one of text."""
    text = [value.decode(errors="replace") for value in values.flat]
    return np.array(text, np.str_).reshape(values.shape)


def _as_json(values):
    """Returns an array as lists, with bytes as the server's REST interface expects them."""
    if values.dtype != object:
        return values.tolist()
    return [{"b64": base64.b64encode(content).decode()} for content in values]
