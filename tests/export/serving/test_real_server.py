"""The export on the real TensorFlow Serving, where the machine has it."""

import re
import shutil
import socket
import subprocess
import time

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.serving.saved_model import write_version
from keras_3dmmstn.export.serving.server_health import health_by_grpc
from keras_3dmmstn.export.serving.serving_client import (
    MODEL,
    ServingError,
    group_answers,
    group_inputs,
    photograph_inputs,
    predict_by_grpc,
)
from tests.support.paths import ROOT
from tests.support.small_network import small_normaliser

PROGRAM = shutil.which("tensorflow_model_server")
BOX = [30.0, 30, 70, 80]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="tensorflow_model_server is not installed"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / MODEL
    write_version(trained_network(small_normaliser()), folder / "1")
    return folder


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """Address and log of a server with the parameters of the example."""
    pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    batching = ROOT / "examples" / "server" / "batching_parameters.txt"
    command = [
        *(PROGRAM, f"--port={port}", f"--model_name={MODEL}", f"--model_base_path={folder}"),
        *("--enable_batching", f"--batching_parameters_file={batching}"),
        "--enable_grpc_healthcheck_service",
    ]
    log = tmp_path_factory.mktemp("log") / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        try:
            for _ in range(120):
                try:
                    health_by_grpc(f"localhost:{port}", timeout=1)
                    break
                except ServingError:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.5)
            yield f"localhost:{port}", log
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def file():
    photograph = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    return cv2.imencode(".png", photograph)[1].tobytes()


def test_it_serves_the_version_and_has_run_the_warm_up(server):
    address, log = server
    assert health_by_grpc(address) == [1]
    assert re.search(r"Number of warmup records read: 10\b", log.read_text())


def test_bad_photographs_do_not_fail_the_others(server, folder, file):
    files, boxes = [file, file[:60], b"no", file], [BOX, BOX, BOX, [900, 900, 990, 990]]
    outputs = predict_by_grpc(server[0], *photograph_inputs(files, boxes))
    assert outputs["status"].tolist() == [0, 15, 3, 11]
    model = tf.saved_model.load(str(folder / "1"))
    expected = model.serving_faces(tf.constant(files), tf.constant(boxes, tf.float32))
    np.testing.assert_allclose(outputs["landmarks"], expected["landmarks"], atol=1e-3)


def test_several_faces_of_a_photograph(server, file):
    boxes = [[BOX], [BOX, [10, 10, 40, 45]]]
    groups = group_answers(predict_by_grpc(server[0], *group_inputs([file] * 2, boxes)), boxes)
    assert [group["status"].tolist() for group in groups] == [[0], [0, 0]]
