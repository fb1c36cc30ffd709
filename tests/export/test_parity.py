import numpy as np
import pytest

from keras_3dmmstn import framing
from keras_3dmmstn.export import parity
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.saved_model import write_saved_model
from keras_3dmmstn.mesh import GridModel
from tests.export.small_network import SIZE, small_normaliser


def outputs(landmarks=0.0, texture=0.0):
    return {
        "landmarks": np.zeros((2, 4, 2)) + landmarks,
        "texture": np.full((2, 3, 5, 3), 100.0) + texture,
        "mask": np.ones((2, 3, 5, 1)),
    }


def test_the_same_outputs_do_not_differ():
    report = parity.compare(outputs(), outputs())
    assert report == {
        "landmarks_px": {"max": 0, "mean": 0},
        "texture_levels": {"max": 0, "mean": 0},
        "mask_share": 0,
    }


def test_landmarks_differ_by_their_distance():
    received = outputs()
    received["landmarks"][1, 2] = [0.3, -0.4]
    pixels = parity.compare(outputs(), received)["landmarks_px"]
    assert pixels["max"] == pytest.approx(0.5) and pixels["mean"] == pytest.approx(0.5 / 8)


def test_textures_are_compared_where_both_see_the_face():
    received = outputs()
    received["texture"][0, 0, 0] = 0
    received["mask"][0, 0, 0] = 0
    received["texture"][1, 1, 1, 2] += 7
    report = parity.compare(outputs(), received)
    assert report["texture_levels"]["max"] == 7
    assert report["texture_levels"]["mean"] == pytest.approx(7 / (29 * 3))
    assert report["mask_share"] == pytest.approx(1 / 30)


def test_rendered_faces_are_framed_as_the_network_wants_them():
    model = GridModel.bundled()
    images = parity.rendered_photographs(model, 224, count=2)
    assert images.shape == (2, 224, 224, 3) and images.dtype == np.float32
    assert images.min() >= 0 and 200 < images.max() <= 255
    np.testing.assert_array_equal(images, parity.rendered_photographs(model, 224, count=2))
    # What is not background is as wide as a face: the crop is 1.7 times the landmarks' box.
    face = np.any(images[0] != images[0, 0, 0], axis=-1)
    columns = np.nonzero(face)[1]
    assert 224 / framing.CROP_SHARE * 0.8 < np.ptp(columns) < 224
    assert abs(columns.mean() - 111.5) < 15


@pytest.mark.parametrize("shape", [(60, 90), (90, 60)])
def test_the_middle_of_a_photograph_is_taken(shape, tmp_path, rng):
    import cv2

    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photograph.png"), image[..., ::-1])
    top, left = (shape[0] - 60) // 2, (shape[1] - 60) // 2
    crop = parity.middle_crop(tmp_path / "photograph.png", 60)
    np.testing.assert_array_equal(crop, image[top : top + 60, left : left + 60])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"landmarks_px": {"max": 0.06, "mean": 0.0}}, r"landmarks .* 0.06 > 0.05"),
        ({"landmarks_px": {"max": np.nan, "mean": np.nan}}, r"landmarks .* nan > 0.05"),
        ({"texture_levels": {"max": 9, "mean": 0.6}}, r"texture .* 0.6 > 0.5"),
        ({"mask_share": 0.01}, r"mask .* 0.01 > 0.002"),
    ],
)
def test_a_difference_beyond_the_tolerance_is_an_error(changes, message, monkeypatch, tmp_path):
    report = {**parity.compare(outputs(), outputs()), **changes}
    monkeypatch.setattr(parity, "compare", lambda expected, received: report)
    monkeypatch.setattr(parity, "run_artefact", lambda *arguments: ({}, {}))
    with pytest.raises(parity.ParityError, match=message):
        parity.check_parity("saved-model", tmp_path, lambda i, training: {}, None, parity.FLOAT32)


def test_an_artefact_that_does_not_run_is_an_error(tmp_path):
    with pytest.raises(parity.ParityError, match=f"{tmp_path}: the artefact does not run"):
        parity.run_artefact("saved-model", tmp_path, np.zeros((1, 8, 8, 3)), 1)


def test_a_saved_model_passes_in_a_fresh_process(tmp_path, monkeypatch, rng):
    monkeypatch.setattr(parity, "THREADS", (1,))
    normaliser = small_normaliser()
    network = trained_network(normaliser)
    write_saved_model(network, tmp_path / "1")
    images = rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)
    report = parity.check_parity("saved-model", tmp_path / "1", network, images, parity.FLOAT32)
    assert report["landmarks_px"]["max"] < 1e-3
    assert report["texture_levels"]["mean"] < 1e-2
    assert report["size_bytes"] > 1000
    assert 0 < report["latency_ms"]["1"]["smallest"] <= report["latency_ms"]["1"]["median"]
