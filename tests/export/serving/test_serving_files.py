"""The files for a server, against what is exported."""

import re

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
