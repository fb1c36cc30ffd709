import importlib.util
import logging

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving.serving_client import MODEL
from keras_3dmmstn.export.serving.warm_up import WARM_UP, warm_up_requests, write_warm_up


@pytest.fixture(scope="module")
def version(small_version):
    return small_version


def test_a_server_can_run_every_request(version):
    """Reads the file as TensorFlow Serving does, and runs what it says on the signatures."""
    reason = "the extra `serving` is not installed"
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2", reason=reason)
    assert WARM_UP.as_posix() == "assets.extra/tf_serving_warmup_requests"
    signatures = tf.saved_model.load(str(version)).signatures
    asked = []
    for record in tf.data.TFRecordDataset(str(version / WARM_UP)):
        log = logs.PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == MODEL
        asked.append(request.model_spec.signature_name)
        # Parsed by TensorFlow's own code, as in a server; the messages hold equal numbers once.
        types = {"encoded": tf.string}
        inputs = {
            name: tf.io.parse_tensor(tensor.SerializeToString(), types.get(name, tf.float32))
            for name, tensor in request.inputs.items()
        }
        outputs = signatures[asked[-1]](**inputs)
        assert not np.any(outputs.get("status", 0))
        assert np.all(np.isfinite(outputs["landmarks"]))
    assert set(asked) == set(signatures)
    # Far below the 1000 that a server takes.
    assert len(asked) == 2 * len(signatures)


def test_the_file_is_small():
    """Images of one level are a number each in it."""
    requests = warm_up_requests(224)
    assert max(len(b"".join(i["encoded"])) for _, i in requests if "encoded" in i) < 100_000


def test_without_the_extra_nothing_is_written_and_that_is_said(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        assert not write_warm_up(tmp_path, 48)
    assert "keras-3dmmstn[serving]" in caplog.text and list(tmp_path.iterdir()) == []
