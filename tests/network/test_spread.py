"""The head that says how far off each landmark may be."""

import keras
import numpy as np
import pytest

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.confidence import with_confidence, without_confidence
from keras_3dmmstn.network.localiser import build_localiser
from keras_3dmmstn.network.localiser_answers import Answers, answer_shapes
from keras_3dmmstn.network.model import connect
from keras_3dmmstn.network.pretrained import load_weights
from keras_3dmmstn.network.spread import with_spread
from tests.support.small_network import small_backbone

SIZE = 32


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 16))


@pytest.fixture
def localiser(grid_model):
    return build_localiser(small_backbone(SIZE), grid_model, image_size=SIZE)


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (4, SIZE, SIZE, 3)).astype(np.float32)


@pytest.mark.parametrize("sure", [False, True])
def test_a_spread_leaves_all_else_as_it_is(localiser, images, sure, tmp_path):
    before = with_confidence(localiser) if sure else localiser
    expected = Answers.of(before(images)).named()
    whole = with_spread(before)
    whole.save(tmp_path / "localiser.keras")
    for model in (whole, keras.models.load_model(tmp_path / "localiser.keras")):
        outputs = model(images)
        assert list(outputs) == [*expected, "spread"]
        for name, values in expected.items():
            np.testing.assert_allclose(outputs[name], values, atol=1e-5)
    np.testing.assert_array_equal(without_confidence(whole)(images), expected["parameters"])


def test_the_order_of_confidence_and_spread_does_not_matter(localiser, images):
    outputs = with_confidence(with_spread(localiser))(images)
    assert {name: values.shape[1:] for name, values in outputs.items()} == {
        "parameters": localiser.output_shape[1:],
        "confidence": (1,),
        "spread": (68,),
    }


def test_an_untrained_spread_is_a_small_distance_for_each_landmark(localiser, images):
    spread = np.asarray(with_spread(localiser)(images)["spread"])
    assert spread.shape == (4, 68)
    assert (spread > 0).all() and 0.01 < np.median(spread) < 0.1


def test_a_spread_is_added_once_and_to_localisers_alone(localiser):
    for model in (with_spread(localiser), small_backbone(SIZE)):
        with pytest.raises(ValueError, match="localiser of build_localiser without a spread"):
            with_spread(model)


def test_weights_with_a_spread_fit_a_localiser_without_one(localiser, grid_model, images, tmp_path):
    with_spread(with_confidence(localiser)).save(tmp_path / "localiser.keras")
    other = build_localiser(small_backbone(SIZE), grid_model, image_size=SIZE)
    load_weights(other, tmp_path / "localiser.keras")
    np.testing.assert_allclose(other(images), localiser(images), atol=1e-6)


def test_a_network_has_the_spread_of_its_localiser(localiser, grid_model, images):
    assert "spread" not in connect(localiser, grid_model)(images)
    whole = with_spread(localiser)
    received = connect(whole, grid_model)(images)
    assert "confidence" not in received
    np.testing.assert_allclose(received["spread"], whole(images)["spread"], atol=1e-6)


def test_shapes_of_what_a_localiser_says(localiser):
    shapes = answer_shapes(with_spread(with_confidence(localiser)))
    assert shapes.parameters == localiser.output_shape
    assert shapes.confidence == (None, 1) and shapes.spread == (None, 68)
    assert answer_shapes(localiser).named() == {"parameters": localiser.output_shape}
