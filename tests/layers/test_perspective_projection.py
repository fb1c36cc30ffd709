import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.layers import PerspectiveProjection
from tests.support import naive
from tests.support.layer_contract import assert_keeps_layer_contract

PRINCIPAL_POINT = (11.5, 9.0)


def points_and_places(rng):
    return rng.normal(0, 5, (2, 5, 3)), rng.normal(0, 5, (2, 3)) + [0, 0, 50]


def test_contract_with_a_focal_length_of_its_own(rng, tmp_path):
    assert_keeps_layer_contract(
        PerspectiveProjection(PRINCIPAL_POINT, focal_length=40.0),
        *points_and_places(rng),
        output_shape=(2, 5, 2),
        folder=tmp_path,
    )


def test_contract_with_the_focal_length_as_an_input(rng, tmp_path):
    assert_keeps_layer_contract(
        PerspectiveProjection(PRINCIPAL_POINT),
        *points_and_places(rng),
        rng.uniform(30, 50, (2, 1)),
        output_shape=(2, 5, 2),
        folder=tmp_path,
    )


@pytest.mark.parametrize("own", [True, False], ids=["own", "input"])
def test_each_example_has_its_own_camera(own, rng):
    points, places = points_and_places(rng)
    focal_lengths = [40.0, 40.0] if own else [30.0, 50.0]
    if own:
        projected = PerspectiveProjection(PRINCIPAL_POINT, focal_length=40.0)(points, places)
    else:
        projected = PerspectiveProjection(PRINCIPAL_POINT)(
            points, places, np.array(focal_lengths)[:, None]
        )
    for one in range(2):
        expected = naive.perspective_camera(
            points[one], places[one], focal_lengths[one], PRINCIPAL_POINT
        )
        # Float32 eps 1.2e-7 times positions of up to 30 pixels, a handful of roundings.
        np.testing.assert_allclose(projected[one], expected, atol=2e-5)


def test_translation_and_focal_length_can_be_learned(rng):
    points, places = points_and_places(rng)
    points, target = (
        points[:1],
        PerspectiveProjection(PRINCIPAL_POINT)(points[:1], places[:1], np.array([[40.0]])),
    )
    inputs = keras.Input((1,))
    place = keras.layers.Dense(3, use_bias=False, kernel_initializer="zeros")(inputs)
    place = keras.layers.Rescaling(1.0, offset=[0.0, 0.0, 60.0])(place)
    focal_length = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs)
    focal_length = keras.layers.Rescaling(10.0, offset=50.0)(focal_length)
    vertices = keras.Input((5, 3))
    projected = PerspectiveProjection(PRINCIPAL_POINT)(vertices, place, focal_length)
    model = keras.Model([inputs, vertices], projected)
    model.compile(keras.optimizers.Adam(0.2), loss="mse", jit_compile=False)
    data = tf.data.Dataset.from_tensors(((np.ones((1, 1)), points), target))
    before = model.evaluate(data, verbose=0)
    model.fit(data.repeat(150), shuffle=False, verbose=0)
    assert before > 1
    assert model.evaluate(data, verbose=0) < 0.01 * before


@pytest.mark.parametrize(
    ("own", "given", "received"), [(None, False, "neither"), (40.0, True, "both")]
)
def test_rejects_a_focal_length_that_is_given_twice_or_never(own, given, received, rng):
    focal_length = [np.ones((2, 1))] if given else []
    with pytest.raises(ValueError, match=f"as an argument .* or as an input, received {received}"):
        PerspectiveProjection(PRINCIPAL_POINT, own)(*points_and_places(rng), *focal_length)


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 5, 2), (2, 3)),
        ((2, 3), (2, 3)),
        ((2, 5, 3), (2, 2)),
        ((2, 5, 3), (2, 3), (2, 2)),
        ((2, 5, 3), (2, 3), (2,)),
    ],
    ids=str,
)
def test_rejects_shapes_that_do_not_fit(shapes):
    layer = PerspectiveProjection(PRINCIPAL_POINT, 40.0 if len(shapes) == 2 else None)
    with pytest.raises(ValueError, match=r"PerspectiveProjection expects .* received shapes \(2, "):
        layer(*[np.ones(shape) for shape in shapes])
