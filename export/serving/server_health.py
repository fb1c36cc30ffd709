"""Asks a model server whether it is healthy and which versions of the model it serves."""

import time
from typing import TYPE_CHECKING

from keras_3dmmstn.export.serving.serving_client import (
    MODEL,
    ServingError,
    grpc_channel,
    json_answer,
    json_request,
)

if TYPE_CHECKING:
    import grpc

# grpc.health.v1: HealthCheckResponse.ServingStatus, and the response that says SERVING.
_STATES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


def health_by_grpc(
    address: str,
    model: str = MODEL,
    timeout: float = 5.0,
    credentials: "grpc.ChannelCredentials | None" = None,
) -> list[int]:
    """Asks a server by gRPC for its health, if it has `grpc.health.v1`, and the model's state.

    Args:
        address: host and port, such as `localhost:8500`.
        model: name of the model on the server.
        timeout: for both questions together, in seconds.
        credentials: as for `predict_by_grpc`.

    Returns:
        The versions that are served, the newest last.

    Raises:
        ServingError: if the server cannot be reached in time, reports that it is not healthy, or
            serves no version of the model; with the state and the error of each version.
        ImportError: if the extra `serving` is not installed.
    """
    try:
        import grpc
        from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc
    except ImportError as error:
        raise ImportError(
            'The gRPC client needs tensorflow-serving-api: pip install "keras-3dmmstn[serving]".'
        ) from error
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model
    end = time.monotonic() + timeout
    with grpc_channel(address, credentials) as channel:
        # Two messages of a byte or two, without the package grpcio-health-checking.
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        status = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus
        answer = _asked(grpc, address, check, b"", timeout)
        if answer is not None and (state := _health_state(answer)) != "SERVING":
            raise ServingError(f"{address}: expected a server that is SERVING, received {state}")
        response = _asked(grpc, address, status, request, max(0.0, end - time.monotonic()))
    if response is None:
        if answer is None:
            raise ServingError(
                f"{address}: expected a server with grpc.health.v1 or GetModelStatus, received "
                "UNIMPLEMENTED from both"
            )
        return []
    states = [
        (v.version, v.State.Name(v.state), v.status.error_message)
        for v in response.model_version_status
    ]
    return _available(address, model, states)


def health_by_rest(address: str, model: str = MODEL, timeout: float = 5.0) -> list[int]:
    """Asks a server by REST for the state of the model, like `health_by_grpc`.

    Args:
        address: address of the server, such as `http://localhost:8501`.
        model: name of the model on the server.
        timeout: in seconds.

    Raises:
        ServingError: as for `health_by_grpc`.
    """
    answer = json_answer(address, json_request(address, f"/v1/models/{model}"), timeout)
    try:
        states = [
            (int(v["version"]), v["state"], v.get("status", {}).get("error_message", ""))
            for v in answer["model_version_status"]
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ServingError(
            f"{address}: expected the state of a model as of TensorFlow Serving, received another "
            f"answer ({error!r})"
        ) from error
    return _available(address, model, states)


def _asked(grpc, address, call, request, timeout):
    """Returns the answer to a call; None if the server does not support it."""
    try:
        return call(request, timeout)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return None
        raise ServingError(f"{address}: {error.code().name}: {error.details()}") from error


def _health_state(answer):
    """Returns the name of the state in a HealthCheckResponse, whose field 1 is an enum."""
    number = answer[1] if len(answer) == 2 and answer[0] == 0x08 else 0
    return _STATES[number] if number < len(_STATES) else str(number)


def _available(address, model, states):
    """Returns the versions that are available, among version, state and error of each."""
    versions = sorted(version for version, state, _ in states if state == "AVAILABLE")
    if not versions:
        received = ", ".join(f"{v} {s} {e}".strip() for v, s, e in states) or "no versions"
        raise ServingError(
            f"{address}: expected a version of {model} that is AVAILABLE, received {received}"
        )
    return versions
