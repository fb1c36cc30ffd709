"""The files for a server, against what is exported."""

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from keras_3dmmstn.export.artefacts import NAME
from keras_3dmmstn.export.serving.serving_client import MODEL
from tests.support.paths import ROOT

FILES = ROOT / "examples" / "server"


def test_the_configuration_names_the_model_that_the_command_exports():
    reason = "the extra `serving` is not installed"
    config = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2", reason=reason)
    from google.protobuf import text_format

    text = (FILES / "models.config").read_text()
    parsed = text_format.Parse(text, config.ModelServerConfig())
    (model,) = parsed.model_config_list.config
    assert model.name == MODEL == NAME
    assert model.base_path == f"/models/{NAME}" and model.model_platform == "tensorflow"


def test_the_compose_file_mounts_what_the_configuration_names():
    text = (FILES / "compose.yaml").read_text()
    assert f"/{NAME}:/models/{NAME}:ro" in text
    assert "./models.config:/config/models.config:ro" in text
    assert "--model_config_file=/config/models.config" in text
    assert "./batching_parameters.txt:/config/batching_parameters.txt:ro" in text
    assert "--batching_parameters_file=/config/batching_parameters.txt" in text


@pytest.mark.parametrize(
    ("state", "status"), [("AVAILABLE", 0), ("LOADING", 1), ("END", 1), (None, 1)]
)
@pytest.mark.parametrize("indent", [1, None])
def test_the_health_check_says_whether_a_version_is_available(state, status, indent):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path == f"/v1/models/{MODEL}" and state is not None
            error = {"error_code": "UNAVAILABLE", "error_message": ""}
            answer = {"model_version_status": [{"version": "1", "state": state, "status": error}]}
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer if known else {}, indent=indent).encode())

        def log_message(self, *arguments):
            pass

    script = FILES / "is_served.sh"
    with HTTPServer(("localhost", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        command = [bash, str(script), str(server.server_port)]
        assert subprocess.run(command).returncode == status
        thread.join()
    assert subprocess.run(command, capture_output=True).returncode == 1  # no server any more


def test_the_compose_file_runs_the_health_check():
    text = (FILES / "compose.yaml").read_text()
    assert "./is_served.sh:/config/is_served.sh:ro" in text
    assert 'test: ["CMD", "bash", "/config/is_served.sh"]' in text


def test_the_compose_file_names_one_version_of_the_server():
    text = (FILES / "compose.yaml").read_text()
    assert re.search(r"image: tensorflow/serving:\d+\.\d+\.\d+\n", text)


def test_the_batching_parameters_are_such():
    # Of the message BatchingParameters, which the extra `serving` does not hold.
    wrapped = {
        "max_batch_size",
        "batch_timeout_micros",
        "num_batch_threads",
        "max_enqueued_batches",
    }
    lines = (FILES / "batching_parameters.txt").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    found = {}
    for line in lines:
        match = re.fullmatch(r"(\w+) \{ value: (\d+) \}|pad_variable_length_inputs: true", line)
        assert match, line
        found[match[1]] = match[2]
    # Photographs with another number of faces each go into one batch: the one that has no number.
    assert set(found) == {*wrapped, None} and len(lines) == len(found)
