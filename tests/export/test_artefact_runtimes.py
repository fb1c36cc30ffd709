"""What the runtimes say of damaged artefacts."""

import pytest
import tensorflow as tf

from keras_3dmmstn.export.artefact_runtimes import open_saved_model


@pytest.fixture
def path(tmp_path):
    """A SavedModel that doubles its images."""
    module = tf.Module()
    module.double = tf.function(
        lambda image: {"twice": 2 * image},
        input_signature=[tf.TensorSpec([None], tf.float32, "image")],
    )
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.double)
    return tmp_path / "1"


def test_a_damaged_fingerprint_is_an_error_without_a_traceback(path, capfd):
    fingerprint = path / "fingerprint.pb"
    fingerprint.write_bytes(fingerprint.read_bytes()[:7] + b"\xff\xff\xff")
    with pytest.raises(RuntimeError, match="Fingerprint"):
        open_saved_model(str(path), None)
    assert "Traceback" not in capfd.readouterr().err


def test_a_missing_fingerprint_is_none(path):
    (path / "fingerprint.pb").unlink()
    assert open_saved_model(str(path), None)([1.5, 2])["twice"].tolist() == [3, 4]
