import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.layers import SelfOcclusionMask
from keras_3dmmstn.mesh import occlusion_table
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support import naive
from tests.support.layer_contract import assert_keeps_layer_contract

TURNS = [(-0.2, 1.0, 0.4), (0.1, -1.0, 0.5)]
METHODS = ["normals", "depth", "table"]


@pytest.fixture(scope="module")
def face():
    return toy_grid_model((24, 20))


@pytest.fixture(scope="module")
def table(face):
    return occlusion_table(face)


@pytest.fixture(scope="module")
def turned(face):
    """Two turned faces, and the matrices that turned them."""
    rotations = np.stack([naive.rotation_matrix(turn) for turn in TURNS])
    points = face.mean @ rotations.transpose(0, 2, 1)
    return points.astype("float32"), rotations.astype("float32")


def arguments(method, turned):
    return turned if method == "table" else turned[:1]


@pytest.mark.parametrize("method", METHODS)
def test_contract(method, table, turned, tmp_path):
    layer = SelfOcclusionMask((24, 20), method, table if method == "table" else None)
    assert_keeps_layer_contract(
        layer, *arguments(method, turned), output_shape=(2, 24, 20, 1), folder=tmp_path
    )


def test_each_method_is_its_op(table, turned):
    points, rotations = turned
    masks = {
        "normals": ops.self_occlusion_mask(points, (24, 20)),
        "depth": ops.self_occlusion_mask_by_depth(points, (24, 20)),
        "table": ops.self_occlusion_mask_by_table(points, rotations, (24, 20), tf.constant(table)),
    }
    for method, expected in masks.items():
        layer = SelfOcclusionMask((24, 20), method, table if method == "table" else None)
        np.testing.assert_array_equal(layer(points, rotations), expected)
    assert not (masks["normals"].numpy() == masks["depth"].numpy()).all()
    assert not (masks["normals"].numpy() == masks["table"].numpy()).all()


def test_table_is_a_weight_that_is_not_trained_and_not_config(table, turned):
    layer = SelfOcclusionMask((24, 20), "table", table)
    layer(*turned)
    assert not layer.trainable_weights
    np.testing.assert_array_equal(layer.get_weights(), [table])
    assert layer.get_config()["table"] == [19, 37]


@pytest.mark.parametrize("method", METHODS)
def test_mask_is_the_same_in_saved_model_and_tflite(method, table, turned, tmp_path):
    from ai_edge_litert import interpreter as litert

    inputs = [keras.Input((480, 3), name="points"), keras.Input((3, 3), name="rotation")]
    layer = SelfOcclusionMask((24, 20), method, table if method == "table" else None)
    model = keras.Model(inputs, layer(*inputs))
    expected = layer(*turned)
    assert 0.2 < expected.numpy().mean() < 0.9

    model.export(tmp_path / "model", verbose=False)
    signature = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    points, rotation = (tf.constant(x) for x in turned)
    (mask,) = signature(points=points, rotation=rotation).values()
    np.testing.assert_array_equal(mask, expected)

    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model"))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = litert.Interpreter(model_content=converter.convert())
    places = {
        tuple(place["shape"][1:]): place["index"] for place in interpreter.get_input_details()
    }
    for array in turned:
        interpreter.resize_tensor_input(places[array.shape[1:]], array.shape)
    interpreter.allocate_tensors()
    for array in turned:
        interpreter.set_tensor(places[array.shape[1:]], array)
    interpreter.invoke()
    (output,) = interpreter.get_output_details()
    np.testing.assert_array_equal(interpreter.get_tensor(output["index"]), expected)


def test_each_example_has_its_own_mask():
    plane = np.array([[x, y, 0.0] for y in range(2) for x in range(3)])
    mask = SelfOcclusionMask((2, 3))(np.stack([plane, plane * [-1, 1, 1]]))
    np.testing.assert_array_equal(mask, np.stack([np.ones((2, 3, 1)), np.zeros((2, 3, 1))]))


@pytest.mark.parametrize("method", METHODS)
def test_gradient_is_zero_and_not_missing(method, table, turned):
    layer = SelfOcclusionMask((24, 20), method, table if method == "table" else None)
    points = tf.constant(turned[0])
    with tf.GradientTape() as tape:
        tape.watch(points)
        mask = layer(points, *arguments(method, turned)[1:])
    np.testing.assert_array_equal(tape.gradient(mask, points), np.zeros(points.shape))


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 6, 2), (2, 6)])
def test_rejects_points_that_are_not_the_grids(shape):
    with pytest.raises(ValueError, match=r"\(batch, 6, 3\) for its 2 x 3 grid, received shape"):
        SelfOcclusionMask((2, 3))(np.zeros(shape))


def test_rejects_other_methods():
    with pytest.raises(ValueError, match=r"`method` to be one of .*'depth'.*, received 'rays'"):
        SelfOcclusionMask((2, 3), "rays")


def test_rejects_a_missing_table_and_one_that_is_not_used():
    with pytest.raises(ValueError, match=r"expects a `table` with .* received none with 'table'"):
        SelfOcclusionMask((2, 3), "table")
    with pytest.raises(ValueError, match=r"expects a `table` with .* received one with 'depth'"):
        SelfOcclusionMask((2, 3), "depth", np.zeros((3, 5, 1), np.uint8))


@pytest.mark.parametrize(
    "table", [np.zeros((3, 5, 2), np.uint8), np.zeros((3, 5, 1)), np.zeros((3, 5), np.uint8)]
)
def test_rejects_a_table_of_another_grid_or_type(table):
    with pytest.raises(
        ValueError, match=r"`table` of shape \(3, 5, 1\) and type uint8 .* received"
    ):
        SelfOcclusionMask((2, 3), "table", table)


@pytest.mark.parametrize("rotation", [[], [np.zeros((2, 3, 2))]])
def test_table_rejects_a_missing_or_misshapen_rotation(rotation):
    layer = SelfOcclusionMask((2, 3), "table", [3, 5])
    with pytest.raises(ValueError, match=r"`rotation` of shape \(batch, 3, 3\) .* received"):
        layer(np.zeros((2, 6, 3)), *rotation)


@pytest.mark.parametrize("method", METHODS)
def test_vertices_share_the_visibility_of_their_rims(method, table, turned, tmp_path):
    points, rotations = turned
    given = table if method == "table" else None
    rims = np.arange(24 * 20, dtype=np.int32)
    rims[[45, 200, 333]] = [44, 7, 460]
    alone = SelfOcclusionMask((24, 20), method, given)(points, rotations).numpy().reshape(-1, 480)
    layer = SelfOcclusionMask((24, 20), method, given, rims)
    followed = layer(points, rotations).numpy().reshape(-1, 480)
    for face in range(len(points)):
        for vertex in range(480):
            assert followed[face, vertex] == alone[face, rims[vertex]]
    assert not np.array_equal(alone, followed)

    inputs = [keras.Input((480, 3)), keras.Input((3, 3))]
    keras.Model(inputs, layer(*inputs)).save(tmp_path / "mask.keras")
    loaded = keras.models.load_model(tmp_path / "mask.keras")
    np.testing.assert_array_equal(loaded([points, rotations]), layer(points, rotations))


def test_rejects_rims_that_number_other_vertices():
    with pytest.raises(ValueError, match=r"`rims` to number 480 vertices.*shape \(479,\)"):
        SelfOcclusionMask((24, 20), rims=np.arange(479, dtype=np.int32))
    with pytest.raises(ValueError, match=r"`rims` to number 480 vertices.*1 to 480"):
        SelfOcclusionMask((24, 20), rims=np.arange(1, 481, dtype=np.int32))


def test_majority_takes_specks_away_and_is_checked(turned):
    points, rotations = turned
    alone = SelfOcclusionMask((24, 20))(points, rotations)
    cleaned = SelfOcclusionMask((24, 20), majority=3)(points, rotations)
    np.testing.assert_array_equal(cleaned, ops.without_specks(alone, 3))
    for majority in (2, 0, -1, 3.0, True):
        with pytest.raises(ValueError, match="`majority` to be an odd number, received"):
            SelfOcclusionMask((24, 20), majority=majority)
