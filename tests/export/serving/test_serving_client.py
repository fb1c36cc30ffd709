"""The client, against servers that answer with the SavedModel's real signatures."""

import itertools
import re
import socket
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving import serving_client
from keras_3dmmstn.export.serving.server_health import health_by_grpc
from keras_3dmmstn.export.serving.serving_client import (
    ServingError,
    group_answers,
    group_inputs,
    photograph_inputs,
    predict_by_grpc,
    predict_by_rest,
)
from tests.support.model_servers import grpc_server, rest_server
from tests.support.small_network import SIZE


@pytest.fixture(scope="module")
def signatures(small_version):
    model = tf.saved_model.load(str(small_version))
    yield model.signatures
    del model


@pytest.fixture(scope="module")
def grpc_address(signatures):
    with grpc_server(signatures) as address:
        yield address


@pytest.fixture(scope="module")
def rest_address(signatures):
    with rest_server(signatures) as address:
        yield address


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
        if name == "message":
            assert outputs[name].tolist() == expected[name].numpy().astype(str).tolist()
        else:
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


def test_several_faces_of_a_photograph_are_answered(predict, photograph):
    boxes = [[[10, 12, 30, 31.5]], [], [[5, 5, 40, 40], [10, 12, 30, 31.5]]]
    signature, inputs = group_inputs([photograph] * 3, boxes)
    assert len(inputs["encoded"]) == 3 and inputs["boxes"].shape == (3, 2, 4)
    groups = group_answers(predict(signature, inputs), boxes)
    assert [len(group["landmarks"]) for group in groups] == [1, 0, 2]
    assert not any(np.any(group["status"]) for group in groups)
    np.testing.assert_allclose(groups[2]["landmarks"][1], groups[0]["landmarks"][0], rtol=1e-4)
    single = predict(*photograph_inputs([photograph], boxes[0]))
    np.testing.assert_allclose(groups[0]["landmarks"], single["landmarks"], rtol=1e-4)


def test_boxes_without_a_photograph_are_refused():
    with pytest.raises(ValueError, match="each of 2 photographs, received 1 lists"):
        group_inputs([b"", b""], [[[0, 0, 5, 5]]])
    with pytest.raises(ValueError, match=r"shape \(faces, 4\).*received shape \(4,\)"):
        group_inputs([b""], [[0, 0, 5, 5]])


@pytest.mark.parametrize("shape", [(1, 1), (2, 2)])
def test_answers_to_another_request_are_refused(shape):
    with pytest.raises(ValueError, match=r"1 photographs with up to 2 faces.*received answers"):
        group_answers({"status": np.zeros(shape, int)}, [[[0, 0, 5, 5]] * 2])


def test_what_the_server_refuses_is_said(predict):
    with pytest.raises(ServingError, match="expected finite levels"):
        predict("fit", {"image": np.full((1, SIZE, SIZE, 3), 300, np.float32)})


def test_what_is_wrong_with_one_photograph_is_said_of_it(predict, photograph):
    outputs = predict(*photograph_inputs([photograph, b"no photograph"]))
    assert outputs["status"].dtype == np.int32 and outputs["status"].tolist() == [0, 3]
    good, bad = outputs["message"]
    assert good == "" and bad.startswith("encoded: expected JPEG or PNG")
    assert np.all(np.isfinite(outputs["landmarks"][0]))
    assert np.all(np.isnan(outputs["landmarks"][1])) and not np.any(outputs["texture"][1])


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


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "Remote end closed connection"),
        (b"SSH-2.0\r\n", "SSH-2.0"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "expected an answer in JSON"),
        (b"HTTP/1.1 200 OK\r\n\r\n[1]", "expected the outputs of a model"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"outputs": [1]}', "expected the outputs of a model"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"outputs": {"fit": [[1], [1, 2]]}}', "expected the outputs"),
    ],
)
def test_what_is_no_answer_of_a_server_is_said(answer, message):
    with (
        answering(answer) as address,
        pytest.raises(ServingError, match=f"{address}: .*{message}"),
    ):
        predict_by_rest(address, "fit", {"image": np.zeros((1, 1))})


def test_an_answer_in_drops_ends_with_the_time(monkeypatch):
    clock = itertools.count(0, 3)  # three seconds between one look at it and the next
    monkeypatch.setattr(serving_client, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 1_000_000
    with answering(answer) as address, pytest.raises(ServingError, match="timed out"):
        predict_by_rest(address, "fit", {"image": np.zeros((1, 1))}, timeout=2)


@pytest.mark.parametrize("address", ["localhost:8501", "file:///etc", "http://[::1"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(ServingError, match=re.escape(f"http://localhost:8501, received {address}")):
        predict_by_rest(address, "fit", {"image": np.zeros((1, 1))})


@contextmanager
def answering(answer):
    """Runs a server that sends the same bytes to one client, and closes the connection."""
    with socket.create_server(("localhost", 0)) as server:

        def serve():
            connection = server.accept()[0]
            with connection:
                while b"}" not in connection.recv(65536):  # the request's end
                    pass
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://localhost:{server.getsockname()[1]}"
        thread.join()


def test_a_server_with_other_credentials_is_asked_with_them(signatures):
    grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
    with grpc_server(signatures, grpc.local_server_credentials()) as address:
        image = {"image": np.full((1, SIZE, SIZE, 3), 100, np.float32)}
        credentials = grpc.local_channel_credentials()
        outputs = predict_by_grpc(address, "fit", image, credentials=credentials)
        assert outputs["landmarks"].shape == (1, 68, 2)
        assert health_by_grpc(address, credentials=credentials) == [1]


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
