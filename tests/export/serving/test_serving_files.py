"""The files for a server, against what is exported."""

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
