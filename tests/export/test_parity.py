import numpy as np
import pytest

from keras_3dmmstn.export import parity
from keras_3dmmstn.export.network import trained_network
from tests.support.small_network import SIZE, small_normaliser

LIMIT = parity.TOLERANCES["float32"]


class Nothing:
    """A network that says nothing."""

    def predict(self, images, **options):
        return {}


def outputs(landmarks=0.0, texture=0.0):
    return {
        "landmarks": np.zeros((2, 4, 2)) + landmarks,
        "texture": np.full((2, 3, 5, 3), 100.0) + texture,
        "mask": np.ones((2, 3, 5, 1)),
    }


def test_the_same_outputs_do_not_differ():
    report = parity.compare(outputs(), outputs(), LIMIT)
    assert report == {
        "landmarks_px": {"max": 0, "mean": 0},
        "landmarks_beyond": 0,
        "texture_levels": {"max": 0, "mean": 0},
        "mask_share": 0,
    }


def test_landmarks_differ_by_their_distance():
    received = outputs()
    received["landmarks"][1, 2] = [0.3, -0.4]
    report = parity.compare(outputs(), received, LIMIT)
    pixels = report["landmarks_px"]
    assert pixels["max"] == pytest.approx(0.5) and pixels["mean"] == pytest.approx(0.5 / 8)
    assert report["landmarks_beyond"] == 1 / 8


def test_a_landmark_that_is_no_number_is_beyond_the_tolerance():
    received = outputs()
    received["landmarks"][0, 0] = np.nan
    assert parity.compare(outputs(), received, LIMIT)["landmarks_beyond"] == 1 / 8


def test_textures_are_compared_where_both_see_the_face():
    received = outputs()
    received["texture"][0, 0, 0] = 0
    received["mask"][0, 0, 0] = 0
    received["texture"][1, 1, 1, 2] += 7
    report = parity.compare(outputs(), received, LIMIT)
    assert report["texture_levels"]["max"] == 7
    assert report["texture_levels"]["mean"] == pytest.approx(7 / (29 * 3))
    assert report["mask_share"] == pytest.approx(1 / 30)


def test_confidence_counts_at_its_worst_and_spread_on_average():
    expected = outputs() | {"confidence": np.array([[0.5], [0.5]]), "spread": np.zeros((2, 68))}
    received = outputs() | {"confidence": np.array([[0.5], [0.7]]), "spread": np.zeros((2, 68))}
    received["spread"][0, 0] = 0.68
    report = parity.compare(expected, received, LIMIT)
    assert report["confidence"] == pytest.approx(0.2) and report["spread"] == pytest.approx(0.005)
    assert not {"confidence", "spread"} & set(parity.compare(outputs(), outputs(), LIMIT))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"landmarks_beyond": 0.01}, r"1.00% of the landmarks by more than 0.05 pixels"),
        ({"landmarks_beyond": np.nan}, r"nan% of the landmarks"),
        ({"texture_levels": {"max": 9, "mean": 0.6}}, r"texture by 0.6 levels"),
        ({"mask_share": 0.01}, r"mask on 1.00% of the grid"),
        ({"confidence": 0.2}, r"confidence by 0.2 \(0.001 may be\)"),
        ({"confidence": float("nan")}, r"confidence by nan"),
        ({"spread": 0.02}, r"spread by 0.02 on average \(0.0001 may be\)"),
        ({"spread": float("nan")}, r"spread by nan"),
    ],
)
def test_a_difference_beyond_the_tolerance_is_an_error(changes, message, monkeypatch, tmp_path):
    report = {**parity.compare(outputs(), outputs(), LIMIT), **changes}
    monkeypatch.setattr(parity, "compare", lambda *arguments: report)
    monkeypatch.setattr(parity, "run_artefact", lambda *arguments: ({}, {}))
    with pytest.raises(parity.ParityError, match=message):
        parity.check_parity("saved-model", tmp_path, Nothing(), None, LIMIT)


def test_one_jaw_point_may_be_another_vertex_in_float16():
    report = {**parity.compare(outputs(), outputs(), LIMIT), "landmarks_beyond": 0.001}
    parity._raise_if_off(report, parity.TOLERANCES["float16"])


def test_an_artefact_that_does_not_run_is_an_error(tmp_path):
    with pytest.raises(parity.ParityError, match="it does not run: "):
        parity.run_artefact("saved-model", tmp_path, np.zeros((1, 8, 8, 3)), 1)


def test_a_saved_model_passes_in_a_fresh_process(small_version, monkeypatch, rng):
    monkeypatch.setattr(parity, "THREADS", (1,))
    network = trained_network(small_normaliser())
    images = rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)
    report = parity.check_parity("saved-model", small_version, network, images, LIMIT)
    assert report["landmarks_px"]["max"] < 1e-3
    assert report["texture_levels"]["mean"] < 1e-2
    assert report["size_bytes"] > 1000
    assert 0 < report["latency_ms"]["1"]["smallest"] <= report["latency_ms"]["1"]["median"]
