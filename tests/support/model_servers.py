"""Servers that answer with a SavedModel's real signatures, in this process."""

import base64
import json
import threading
from concurrent import futures
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving.serving_client import MODEL


@contextmanager
def grpc_server(signatures, credentials=None):
    """Runs a gRPC server of the official service, which answers with the signatures of a model.

    Args:
        signatures: of the reloaded model.
        credentials: the server's; None for a server without.
    """
    grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
    reason = "the extra `serving` is not installed"
    service = pytest.importorskip(
        "tensorflow_serving.apis.prediction_service_pb2_grpc", reason=reason
    )
    from tensorflow_serving.apis import predict_pb2

    class Service(service.PredictionServiceServicer):
        def Predict(self, request, context):
            if request.model_spec.name != MODEL:
                context.abort(grpc.StatusCode.NOT_FOUND, f"no model {request.model_spec.name}")
            inputs = {name: tf.constant(tf.make_ndarray(v)) for name, v in request.inputs.items()}
            try:
                outputs = signatures[request.model_spec.signature_name](**inputs)
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
            response = predict_pb2.PredictResponse()
            for name, values in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
            return response

    server = grpc.server(futures.ThreadPoolExecutor(1))
    service.add_PredictionServiceServicer_to_server(Service(), server)
    _add_model_service(grpc, server, [(1, "AVAILABLE", "")])
    if credentials is None:
        port = server.add_insecure_port("localhost:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(None).wait()


@contextmanager
def state_server(versions, health=None):
    """Runs a gRPC server that says how it is.

    Args:
        versions: version, name of its state and its error, of the model; None for a server without
            TensorFlow Serving's `ModelService`.
        health: number of a state of `grpc.health.v1`; None for a server without that.
    """
    grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
    server = grpc.server(futures.ThreadPoolExecutor(1))
    if versions is not None:
        _add_model_service(grpc, server, versions)
    if health is not None:
        check = grpc.unary_unary_rpc_method_handler(lambda request, context: bytes([8, health]))
        handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})
        server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(None).wait()


def _add_model_service(grpc, server, versions):
    """Lets a server say version, name of its state and its error, of the model."""
    reason = "the extra `serving` is not installed"
    service = pytest.importorskip("tensorflow_serving.apis.model_service_pb2_grpc", reason=reason)
    from tensorflow_serving.apis import get_model_status_pb2

    class Service(service.ModelServiceServicer):
        def GetModelStatus(self, request, context):
            if request.model_spec.name != MODEL:
                context.abort(grpc.StatusCode.NOT_FOUND, f"no model {request.model_spec.name}")
            response = get_model_status_pb2.GetModelStatusResponse()
            for version, state, error in versions:
                status = response.model_version_status.add()
                status.version, status.state = version, status.State.Value(state)
                status.status.error_message = error
            return response

    service.add_ModelServiceServicer_to_server(Service(), server)


@contextmanager
def rest_server(signatures):
    """Runs an HTTP server that speaks TensorFlow Serving's REST interface, in columns."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK"}}
            is_model = self.path == f"/v1/models/{MODEL}"
            error = {"error": "Could not find any versions of the model"}
            self.send(
                200 if is_model else 404, {"model_version_status": [state]} if is_model else error
            )

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send(*self.answer(body))

        def send(self, code, answer):
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def answer(self, body):
            if self.path != f"/v1/models/{MODEL}:predict":
                return 404, {"error": "Servable not found"}
            inputs = {name: self.tensor(values) for name, values in body["inputs"].items()}
            try:
                outputs = signatures[body["signature_name"]](**inputs)
            except tf.errors.InvalidArgumentError as error:
                return 400, {"error": error.message}
            return 200, {"outputs": {name: self.column(v) for name, v in outputs.items()}}

        def column(self, tensor):
            if tensor.dtype == tf.string:
                return tensor.numpy().astype(str).tolist()
            return tensor.numpy().tolist()

        def tensor(self, values):
            if isinstance(values[0], dict):
                return tf.constant([base64.b64decode(value["b64"]) for value in values])
            return tf.constant(values, tf.float32)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("localhost", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
