"""The normaliser, with localisers whose answer is known."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import build_localiser, forked_process, ops
from keras_3dmmstn.inference.boxes import checked_boxes
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import part_around, shrunk, warp
from keras_3dmmstn.inference.texture import sample_photograph
from keras_3dmmstn.layers import SelfOcclusionMask
from keras_3dmmstn.mesh import contour_lines, occlusion_table
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.framing import crop_matrix
from tests.support import naive
from tests.support.detectors import DetectorThatSays
from tests.support.small_network import SIZE, small_normaliser

BOX = [60.0, 50.0, 160.0, 150.0]


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((24, 24))


def localiser_that_says(grid_model, raw):
    """A localiser whose head ignores the photograph and answers `raw`, in its own units."""
    backbone = keras.Sequential([keras.Input((112, 112, 3)), keras.layers.GlobalAveragePooling2D()])
    localiser = build_localiser(backbone, grid_model, 112)
    head = localiser.get_layer("head")
    answer = np.zeros(12)
    answer[: len(raw)] = raw
    head.set_weights([np.zeros((3, 12)), answer])
    return localiser


@pytest.fixture(scope="module")
def normaliser(grid_model):
    # Turned by about 0.6 rad about y, with some expression.
    return Normaliser(localiser_that_says(grid_model, [0, 2, 0.2, 0, 0, 0, 1, 0, 0, 2]), grid_model)


@pytest.fixture(scope="module")
def coordinates():
    """A photograph 200 high and 240 wide whose red is x and green is y."""
    y, x = np.mgrid[:200, :240]
    return np.stack([x, y, np.full_like(x, 90)], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def face(normaliser, coordinates):
    (face,) = normaliser(coordinates, [BOX])
    return face


def test_texture_holds_the_photograph_at_the_points(face):
    points = face.points.reshape(24, 24, 2)[face.mask]
    # Rounded to whole levels twice: averaged first, since the grid is coarser than the pixels.
    np.testing.assert_allclose(face.texture[face.mask][:, :2], points, atol=1.01)
    assert (face.texture[face.mask][:, 2] == 90).all()


def test_without_a_texture_size_each_texel_is_a_vertex(face):
    assert face.grid_shape == (24, 24) and face.texture.shape == (24, 24, 3)
    np.testing.assert_array_equal(face.visible, face.mask.ravel())


@pytest.fixture(scope="module")
def larger(normaliser):
    """The same with textures of 128 × 128."""
    return Normaliser(normaliser.localiser, normaliser.grid_model, texture_size=128)


def test_a_larger_texture_is_sampled_between_the_vertices(larger, face, coordinates):
    (finer,) = larger(coordinates, [BOX])
    assert finer.texture.shape == (128, 128, 3) and finer.texture.dtype == np.uint8
    assert finer.mask.shape == (128, 128) and finer.mask.dtype == bool
    grid = naive.refine_grid(face.points.reshape(24, 24, 2), 128, 128)
    mask = naive.refine_grid(face.visible.reshape(24, 24, 1).astype(float), 128, 128)[..., 0] >= 0.5
    np.testing.assert_array_equal(finer.mask, mask)
    # Rounded to whole levels; the grid is as fine as the pixels, so none are averaged.
    np.testing.assert_allclose(finer.texture[mask][:, :2], grid[mask], atol=0.51)
    assert (finer.texture[~mask] == 0).all() and 0 < mask.mean() < 1


def test_a_larger_texture_leaves_the_vertices_as_they_are(larger, face, coordinates):
    (finer,) = larger(coordinates, [BOX])
    for name in ("vertices", "points", "visible", "box"):
        np.testing.assert_array_equal(getattr(finer, name), getattr(face, name))
    assert finer.grid_shape == (24, 24)
    np.testing.assert_array_equal(finer.landmarks(), face.landmarks())


def test_a_texture_of_the_grids_size_is_that_without_a_size(normaliser, coordinates):
    square = toy_grid_model((32, 32))
    localiser = localiser_that_says(square, [0, 2, 0.2])
    (plain,) = Normaliser(localiser, square)(coordinates, [BOX])
    (same,) = Normaliser(localiser, square, texture_size=32)(coordinates, [BOX])
    np.testing.assert_array_equal(same.texture, plain.texture)
    np.testing.assert_array_equal(same.mask, plain.mask)


def test_a_smaller_texture_averages_the_photograph(normaliser, rng):
    # Noise about 128: where 2 × 2 pixels are averaged, its deviation of 74 is halved.
    noise = rng.integers(0, 256, (900, 900, 3), np.uint8)
    small, large = (
        Normaliser(normaliser.localiser, normaliser.grid_model, texture_size=size)
        for size in (32, 512)
    )
    box = [[150.0, 150.0, 750.0, 750.0]]
    deviations = [f.texture[f.mask].std() for n in (small, large) for f in n(noise, box)]
    assert deviations[0] < 20 and deviations[1] > 40


def test_texels_beyond_the_border_are_hidden(normaliser, coordinates):
    finer = Normaliser(normaliser.localiser, normaliser.grid_model, texture_size=128)
    (face,) = finer(coordinates, [[-40.0, 50.0, 60.0, 150.0]])
    grid = naive.refine_grid(face.points.reshape(24, 24, 2), 128, 128)
    outside = grid[..., 0] < -0.01
    assert outside.any() and not face.mask[outside].any()
    assert not face.visible.reshape(24, 24)[face.points.reshape(24, 24, 2)[..., 0] < 0].any()


@pytest.mark.parametrize("size", [(7, 9), (50, 60), (300, 400)])
def test_the_photograph_is_sampled_as_by_the_op(size, rng):
    photograph = rng.integers(0, 256, (*size, 3), np.uint8)
    y, x = np.mgrid[-2 : size[0] + 2 : 40j, -2 : size[1] + 2 : 30j]
    grid = np.stack([x, y], axis=-1) * min(1, 30 / size[1])  # as fine as the pixels
    expected = ops.sample_bilinear(tf.constant(photograph[None], tf.float64), grid[None])[0]
    sampled = sample_photograph(photograph, grid)
    assert sampled.dtype == np.uint8
    np.testing.assert_allclose(sampled, expected, atol=0.51)


def test_parts_of_a_photograph_are_averaged_like_the_whole(rng):
    # The blocks that are averaged do not depend on where the part begins.
    photograph = rng.integers(0, 256, (310, 405, 3), np.uint8)
    whole, _ = shrunk(photograph, np.eye(2, 3), 4)
    for low, high in (((0, 0), (404, 309)), ((130, 90), (200, 170)), ((-30, 250), (90, 400))):
        part, to_photograph = part_around(photograph, np.array([low, high], float), 4)
        column, row = (to_photograph[:, 2] // 4).astype(int)
        height, width = part.shape[:2]
        np.testing.assert_array_equal(part, whole[row : row + height, column : column + width])
        first, last = to_photograph[:, 2], to_photograph[:, 2] + 4 * (np.array([width, height]) - 1)
        assert (first <= np.maximum(low, 1.5)).all()
        assert (last >= np.minimum(high, [402, 307])).all()
    assert not part_around(photograph, np.array([[-90.0, 5], [-80, 9]]))[0].size


@pytest.mark.parametrize("size", [31, 2049, True, 64.0, (64, 64)])
def test_another_texture_size_is_refused(size, normaliser):
    with pytest.raises(ValueError, match="texture size from 32 to 2048 pixels"):
        Normaliser(normaliser.localiser, normaliser.grid_model, texture_size=size)


def test_mask_is_what_a_depth_buffer_sees_or_what_is_asked_for(grid_model, normaliser, face):
    rotated = tf.constant((face.vertices @ face.rotation_matrix.T)[None])
    rotation = tf.constant(face.rotation_matrix[None])
    layers = {
        "depth": SelfOcclusionMask((24, 24), "depth"),
        "normals": SelfOcclusionMask((24, 24), "normals"),
        "table": SelfOcclusionMask((24, 24), "table", occlusion_table(grid_model)),
    }
    masks = {name: layer(rotated, rotation)[0, ..., 0] > 0 for name, layer in layers.items()}
    # The box lies in the middle: no vertex is outside the photograph.
    np.testing.assert_array_equal(face.mask, masks["depth"])
    photograph = np.zeros((200, 240, 3), np.uint8)
    for name, mask in masks.items():
        other = Normaliser(normaliser.localiser, grid_model, visibility=name)
        np.testing.assert_array_equal(other(photograph, [BOX])[0].mask, mask)


def test_unknown_visibility_is_refused(grid_model, normaliser):
    with pytest.raises(ValueError, match=r"one of .* received 'rays'"):
        Normaliser(normaliser.localiser, grid_model, visibility="rays")


def test_texture_is_black_where_the_mask_is_false(face):
    assert not face.mask.all()
    assert (face.texture[~face.mask] == 0).all()


def test_texture_is_upright_and_unmirrored(face):
    rows, columns = np.nonzero(face.mask)
    red, green, _ = face.texture[face.mask].T
    assert np.corrcoef(columns, red)[0, 1] > 0.9
    assert np.corrcoef(rows, green)[0, 1] > 0.9


def test_a_face_turned_to_its_left_hides_one_side(face):
    # A positive turn about y (down) takes −z towards −x: the face looks to the image's left, and
    # the image-left side is the one that turns away.
    assert face.rotation_matrix[0, 2] > 0.3
    assert face.mask[:, :6].mean() < 0.5 < face.mask[:, -6:].mean()


def test_parameters_in_the_photograph_make_the_points(face):
    p = face.parameters
    turned = face.vertices @ face.rotation_matrix.T
    points = np.exp(p["log_scale"]) * turned[:, :2] + p["translation"]
    np.testing.assert_allclose(points, face.points, atol=1e-3)


def test_vertices_are_the_model_of_the_coefficients(face, grid_model):
    coefficients = np.concatenate([face.parameters["identity"], face.parameters["expression"]])
    np.testing.assert_allclose(coefficients, [1, 0, 0, 2, 0, 0], atol=1e-6)
    np.testing.assert_allclose(face.vertices, grid_model.shape(coefficients), atol=1e-4)


def test_landmarks_are_points(face, grid_model):
    np.testing.assert_array_equal(
        face.landmarks("aflw21"), face.points[grid_model.landmarks["aflw21"]]
    )
    with pytest.raises(KeyError, match="'ibug68', 'aflw21', received 'wflw98'"):
        face.landmarks("wflw98")


def test_the_jaw_lies_on_the_contour_that_the_turned_face_shows(face, grid_model):
    fixed = face.points[grid_model.landmarks["ibug68"]]
    shown = face.landmarks("ibug68")
    np.testing.assert_array_equal(shown[17:], fixed[17:])
    outward = contour_lines(grid_model)[1] @ face.rotation_matrix[:2, :2].T
    gained = ((shown - fixed)[:17] * outward).sum(axis=1)
    # The image-left side has turned away: its contour lies further out than the jaw itself.
    assert (gained >= 0).all() and gained[1:6].max() > 0.3  # pixels
    np.testing.assert_array_equal(gained[12:16], 0)


def test_the_unturned_mean_face_fills_the_box(grid_model, coordinates):
    (face,) = Normaliser(localiser_that_says(grid_model, []), grid_model)(coordinates, [BOX])
    landmarks = face.landmarks("ibug68")
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, [110, 100], atol=1e-3)
    np.testing.assert_allclose((high - low).max(), 100, atol=1e-3)


def test_faces_keep_the_order_of_the_boxes(normaliser, coordinates):
    boxes = np.array([[100, 90, 180, 170], BOX, [20, 20, 60, 60]])
    faces = normaliser(coordinates, boxes)
    np.testing.assert_array_equal([face.box for face in faces], boxes)
    centres = [face.points.mean(axis=0) for face in faces]
    assert centres[2][0] < centres[1][0] < centres[0][0]


def test_a_path_and_an_array_give_the_same(normaliser, coordinates, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), coordinates[..., ::-1])
    (from_path,) = normaliser(tmp_path / "a.png", [BOX])
    (from_text,) = normaliser(str(tmp_path / "a.png"), [BOX])
    (from_array,) = normaliser(coordinates, [BOX])
    np.testing.assert_array_equal(from_path.texture, from_array.texture)
    np.testing.assert_array_equal(from_text.texture, from_array.texture)


def test_a_photograph_twice_as_large_gives_the_same_texture(normaliser, coordinates):
    large = coordinates.repeat(2, axis=0).repeat(2, axis=1)
    box = (np.array(BOX) + 0.5) * 2 - 0.5
    (small,), (double,) = normaliser(coordinates, [BOX]), normaliser(large, [box])
    np.testing.assert_allclose(double.points, 2 * small.points + 0.5, atol=1e-3)
    difference = np.abs(double.texture.astype(int) - small.texture)[small.mask & double.mask]
    assert difference.max() <= 2


def test_what_leaves_the_photograph_is_masked(normaliser, coordinates):
    (face,) = normaliser(coordinates, [[180, 50, 280, 150]])
    points = face.points.reshape(24, 24, 2)
    outside = points[..., 0] > 239
    assert outside.any() and not face.mask[outside].any()


def test_no_boxes_give_no_faces(normaliser, coordinates):
    assert normaliser(coordinates, np.zeros((0, 4))) == []
    assert normaliser(coordinates, []) == []


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([1, 2, 3, 4], r"shape \(n, 4\), received shape \(4,\)"),
        ([[1, 2, 3]], "shape"),
        ([["a", 2, 3, 4]], r"shape \(n, 4\)"),
        ([[10, 10, 10, 20]], "x0 < x1"),
        ([[10, 10, 10.5, 20]], "at least 1 pixel wide"),
        ([[10, 30, 20, 20]], "y0 < y1"),
        ([[np.nan, 10, 20, 20]], "x0 < x1"),
        ([[-50, 10, -5, 20]], "240 x 200 pixels.*outside"),
        ([[10, 200, 30, 260]], "outside"),
    ],
)
def test_boxes_that_are_none_are_refused(boxes, message):
    with pytest.raises(ValueError, match=message):
        checked_boxes(boxes, np.zeros((200, 240, 3), np.uint8))


def test_saved_and_loaded_it_says_the_same(normaliser, coordinates, face, tmp_path):
    normaliser.save(tmp_path / "weights")
    (again,) = Normaliser.load(tmp_path / "weights")(coordinates, [BOX])
    np.testing.assert_array_equal(again.texture, face.texture)
    np.testing.assert_array_equal(again.points, face.points)


def test_it_is_loaded_with_a_texture_size(larger, coordinates, tmp_path):
    larger.save(tmp_path / "weights")
    again = Normaliser.load(tmp_path / "weights", texture_size=128)
    (expected,), (face,) = larger(coordinates, [BOX]), again(coordinates, [BOX])
    np.testing.assert_array_equal(face.texture, expected.texture)
    assert Normaliser.load(tmp_path / "weights").texture_size is None
    assert Normaliser.pretrained(texture_size=512).texture_size == 512


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no .*localiser\.keras"):
        Normaliser.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"but there is no folder .*nowhere\."):
        Normaliser.load(tmp_path / "nowhere")


def test_a_localiser_for_another_face_model_is_refused(grid_model):
    import dataclasses

    fewer = dataclasses.replace(grid_model, basis=grid_model.basis[:4])
    with pytest.raises(ValueError, match=r"10.*4 modes.*received one with output of shape.*12"):
        Normaliser(localiser_that_says(grid_model, []), fewer)


@pytest.mark.parametrize("answer", [np.nan, 400, 2000])
def test_weights_that_describe_no_face_are_refused(answer, grid_model, coordinates):
    log_scale = [0, 0, 0, 0, 0, answer]
    normaliser = Normaliser(localiser_that_says(grid_model, log_scale), grid_model)
    with pytest.raises(ValueError, match="training may have diverged"):
        normaliser(coordinates, [BOX])


def test_weights_that_describe_no_face_are_refused_with_the_detector(grid_model, coordinates):
    localiser = localiser_that_says(grid_model, [np.nan])
    normaliser = Normaliser(localiser, grid_model, detector=DetectorThatSays([BOX]))
    with pytest.raises(ValueError, match="training may have diverged"):
        normaliser(coordinates)


def test_sampling_averages_where_the_grid_is_coarse():
    stripes = np.zeros((100, 100, 3), np.uint8)
    stripes[:, ::2] = 200
    x, y = np.meshgrid(np.arange(10.0, 90, 8), np.arange(10.0, 90, 8))
    sampled = sample_photograph(stripes, np.stack([x, y], axis=-1))
    np.testing.assert_allclose(sampled, 100, atol=26)


def test_sampling_far_outside_is_black():
    grid = np.full((4, 4, 2), 1e4) + np.arange(4)[:, None, None]
    assert (sample_photograph(np.full((50, 50, 3), 9, np.uint8), grid) == 0).all()


# Confidence


def test_a_face_has_the_confidence_of_its_own_crop(coordinates):
    sure, plain = small_normaliser(confidence=True, looks=1), small_normaliser(looks=1)
    boxes = [BOX, [10.0, 10.0, 60.0, 60.0]]
    faces = sure(coordinates, boxes)
    crops = np.stack([warp(coordinates, crop_matrix(box, SIZE), SIZE) for box in boxes])
    expected = np.asarray(sure.localiser(crops.astype(np.float32))["confidence"])[:, 0]
    np.testing.assert_allclose([face.confidence for face in faces], expected, atol=1e-4)
    assert abs(expected[0] - expected[1]) > 1e-4
    assert [face.confidence for face in plain(coordinates, boxes)] == [None, None]
    for face, other in zip(faces, plain(coordinates, boxes), strict=True):
        np.testing.assert_allclose(face.points, other.points, atol=1e-3)


def test_a_face_has_the_spread_of_its_own_crop(coordinates):
    knowing, plain = small_normaliser(confidence=True, looks=1), small_normaliser(looks=1)
    boxes = [BOX, [10.0, 10.0, 60.0, 60.0]]
    faces = knowing(coordinates, boxes)
    crops = np.stack([warp(coordinates, crop_matrix(box, SIZE), SIZE) for box in boxes])
    expected = np.asarray(knowing.localiser(crops.astype(np.float32))["spread"])
    np.testing.assert_allclose([face.spread for face in faces], expected, atol=1e-5)
    assert faces[0].spread.shape == (68,) and np.abs(expected[0] - expected[1]).max() > 1e-5
    assert [face.spread for face in plain(coordinates, boxes)] == [None, None]


class Spreading:
    """A callable localiser of a toy face, with a spread."""

    input_shape = (None, 112, 112, 3)

    def __init__(self, spread, known=68):
        self.spread = spread
        self.output_shape = {"parameters": (None, 12), "spread": (None, known)}

    def __call__(self, images):
        theta = np.zeros((len(images), 12), np.float32)
        theta[:, 3:5], theta[:, 5] = 55.5, -1.0
        return {"parameters": theta, "spread": np.full((len(images), 68), self.spread)}


def test_any_callable_may_have_a_spread_and_no_confidence(grid_model, coordinates):
    (face,) = Normaliser(Spreading(0.25), grid_model)(coordinates, [BOX])
    assert face.confidence is None and (face.spread == 0.25).all()


@pytest.mark.parametrize("spread", [-0.1, np.nan, np.inf])
@pytest.mark.parametrize("looks", [1, 2])
def test_a_spread_that_is_no_distance_is_refused(spread, looks, grid_model, coordinates):
    normaliser = Normaliser(Spreading(spread), grid_model, looks=looks)
    with pytest.raises(ValueError, match=f"a distance for each landmark, .* received {spread:g}"):
        normaliser(coordinates, [BOX])


@pytest.mark.parametrize("shape", [(1, 5), (1, 68, 1), (68,), ()])
def test_a_spread_of_another_shape_than_declared_is_refused(shape, grid_model, coordinates):
    class Another(Spreading):
        def __call__(self, images):
            return super().__call__(images) | {"spread": np.full(shape, 0.1)}

    with pytest.raises(ValueError, match=r"says a spread of shape \(1, 68\) for 1 crops, received"):
        Normaliser(Another(0.1), grid_model)(coordinates, [BOX])


def test_a_dict_without_parameters_is_refused(grid_model, coordinates):
    class Silent(Spreading):
        def __call__(self, images):
            return {"spread": super().__call__(images)["spread"]}

    with pytest.raises(ValueError, match="localiser that says `parameters`"):
        Normaliser(Silent(0.1), grid_model)(coordinates, [BOX])


def test_a_model_that_says_more_than_it_declares_is_believed(coordinates):
    whole = small_normaliser(confidence=True)

    class Wrapped(keras.Model):
        input_shape, output_shape = whole.localiser.input_shape, (None, 12)

        def __init__(self):
            super().__init__()
            self.inner = whole.localiser

        def call(self, images, training=False):
            return self.inner(images, training=training)

    model = Wrapped()
    model(np.zeros((1, SIZE, SIZE, 3), np.float32))
    (face,), (expected,) = (
        made(coordinates, [BOX]) for made in (Normaliser(model, whole.grid_model), whole)
    )
    np.testing.assert_allclose(face.spread, expected.spread, atol=1e-6)
    assert face.confidence == pytest.approx(expected.confidence)


def test_a_spread_of_another_number_of_landmarks_is_refused(grid_model):
    with pytest.raises(ValueError, match=r"spread has the shape \(None, 68\), received .* 21\)"):
        Normaliser(Spreading(0.1, known=21), grid_model)


def test_any_callable_may_have_a_confidence(grid_model, coordinates):
    class Callable:
        input_shape = (None, 112, 112, 3)
        output_shape = {"parameters": (None, 12), "confidence": (None, 1)}  # noqa: RUF012

        def __call__(self, images):
            size = len(images)
            theta = np.zeros((size, 12), np.float32)
            theta[:, 3:5], theta[:, 5] = 55.5, -1.0
            return {"parameters": theta, "confidence": np.full((size, 1), 0.25)}

    (face,) = Normaliser(Callable(), grid_model)(coordinates, [BOX])
    assert face.confidence == 0.25


class Answering:
    """A callable localiser of a toy face whose answer is given."""

    input_shape = (None, 112, 112, 3)

    def __init__(self, shapes, confidence=0.5):
        if shapes is not None:
            self.output_shape = shapes
        self.confidence = confidence

    def __call__(self, images):
        theta = np.zeros((len(images), 12), np.float32)
        theta[:, 3:5], theta[:, 5] = 55.5, -1.0
        return {"parameters": theta, "confidence": np.full((len(images), 1), self.confidence)}


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (None, "a dict of `parameters` .*; received none that is known"),
        ({"theta": (None, 12)}, "a dict of `parameters` .*; received theta"),
        (
            {"parameters": (None, 12), "confidence": (None, 3)},
            r"\(None, 1\), received .*\(None, 3\)",
        ),
    ],
)
def test_a_localiser_with_other_answers_is_refused(grid_model, shapes, message):
    with pytest.raises(ValueError, match=message):
        Normaliser(Answering(shapes), grid_model)


@pytest.mark.parametrize("confidence", [-0.1, 7.0, np.nan])
def test_a_confidence_that_is_no_probability_is_refused(grid_model, coordinates, confidence):
    shapes = {"parameters": (None, 12), "confidence": (None, 1)}
    normaliser = Normaliser(Answering(shapes, confidence), grid_model)
    with pytest.raises(ValueError, match=f"probability from 0 to 1, received {confidence:g}"):
        normaliser(coordinates, [BOX])


def test_a_process_that_was_forked_after_use_says_so(grid_model, coordinates, monkeypatch):
    normaliser = small_normaliser()
    normaliser(coordinates, [BOX])
    assert [os.getpid()] == forked_process._FIRST_PROCESS
    monkeypatch.setattr(forked_process.os, "getpid", lambda: 123_456_789)
    with pytest.raises(RuntimeError, match=r"Process 123456789 was forked .*\"spawn\""):
        normaliser(coordinates, [BOX])
    with pytest.raises(RuntimeError, match="was forked from"):
        small_normaliser()


def test_a_face_is_sampled_at_another_size_as_the_normaliser_does(face, larger, coordinates):
    (expected,) = larger(coordinates, [BOX])
    again = face.resampled(128)
    np.testing.assert_array_equal(again.mask, expected.mask)
    assert np.abs(again.texture.astype(int) - expected.texture).max() <= 1
    np.testing.assert_array_equal(again.points, face.points)
    with pytest.raises(ValueError, match="32"):
        face.resampled(8)
