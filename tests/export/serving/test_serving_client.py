"""The client, against servers that answer with the SavedModel's real signatures."""

import base64
import json
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, HTTPServer

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.serving.saved_model import write_version
from keras_3dmmstn.export.serving.serving_client import (
    MODEL,
    ServingError,
    photograph_inputs,
    predict_by_grpc,
    predict_by_rest,
)
from tests.support.small_network import SIZE, small_normaliser


@pytest.fixture(scope="module")
def signatures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "1"
    write_version(trained_network(small_normaliser()), folder)
    model = tf.saved_model.load(str(folder))
    yield model.signatures
    del model


@pytest.fixture(scope="module")
def grpc_address(signatures):
    """A gRPC server of the official service, which answers with the signatures."""
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
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait()


@pytest.fixture(scope="module")
def rest_address(signatures):
    """An HTTP server that speaks TensorFlow Serving's REST interface, in columns."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code, answer = self.answer(body)
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
            return 200, {"outputs": {name: v.numpy().tolist() for name, v in outputs.items()}}

        def tensor(self, values):
            if isinstance(values[0], dict):
                return tf.constant([base64.b64decode(value["b64"]) for value in values])
            return tf.constant(values, tf.float32)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("localhost", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["grpc", "rest"])
def predict(request):
    """The client with the address of its server."""
    address = request.getfixturevalue(f"{request.param}_address")
    function = {"grpc": predict_by_grpc, "rest": predict_by_rest}[request.param]
    return lambda *arguments, **options: function(address, *arguments, **options)


@pytest.fixture
def photograph(rng, tmp_path):
    path = tmp_path / "photograph.png"
    cv2.imwrite(str(path), rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8))
    return path


def assert_same(outputs, expected):
    assert set(outputs) == set(expected)
    for name in expected:
        np.testing.assert_allclose(outputs[name], expected[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("signature", ["serving_default", "fit"])
def test_images_are_answered(predict, signatures, signature, rng):
    images = rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)
    expected = signatures[signature](image=tf.constant(images))
    assert_same(predict(signature, {"image": images}), expected)


def test_crops_as_files_are_answered(predict, signatures, photograph):
    content = photograph.read_bytes()
    expected = signatures["serving_bytes"](encoded=tf.constant([content, content]))
    assert_same(predict(*photograph_inputs([photograph, content])), expected)


def test_photographs_with_boxes_are_answered(predict, signatures, photograph):
    boxes = [[10, 12, 30, 31.5]]
    expected = signatures["serving_faces"](
        encoded=tf.constant([photograph.read_bytes()]), boxes=tf.constant(boxes, tf.float32)
    )
    assert_same(predict(*photograph_inputs([photograph], boxes)), expected)


def test_what_the_server_refuses_is_said(predict):
    with pytest.raises(ServingError, match="expected JPEG or PNG"):
        predict(*photograph_inputs([b"no photograph"]))


def test_a_model_that_the_server_has_not_is_said(predict, photograph):
    with pytest.raises(ServingError, match=r"NOT_FOUND|404"):
        predict(*photograph_inputs([photograph]), model="other")


@pytest.mark.parametrize("client", [predict_by_grpc, predict_by_rest])
def test_a_server_that_is_not_there_is_named(client):
    if client is predict_by_grpc:
        reason = "the extra `serving` is not installed"
        pytest.importorskip("tensorflow_serving", reason=reason)
    address = "localhost:1" if client is predict_by_grpc else "http://localhost:1"
    with pytest.raises(ServingError, match=address):
        client(address, "fit", {"image": np.zeros((1, SIZE, SIZE, 3))}, timeout=2)


def test_a_photograph_without_a_box_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 4\).*received shape \(1, 4\)"):
        photograph_inputs([b"", b""], [[0, 0, 5, 5]])


def test_a_photograph_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        photograph_inputs([tmp_path / "missing.jpg"])


def test_without_the_extra_the_pip_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ImportError, match=r"pip install .keras-3dmmstn\[serving\]"):
        predict_by_grpc("localhost:1", "fit", {})
