"""The SavedModel: signatures, answers, gradients, and what is left when it cannot be written."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.card import network_card, read_card
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.serving import saved_model
from keras_3dmmstn.export.serving.saved_model import export_saved_model
from tests.support.small_network import SIZE, small_normaliser

# Differences in the order of summation of some hundred float32 numbers of up to SIZE pixels.
CLOSE = 1e-3


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser(looks=1)  # as the network, which runs once


@pytest.fixture(scope="module")
def network(normaliser):
    return trained_network(normaliser)


@pytest.fixture(scope="module")
def version(small_version):
    return small_version


@pytest.fixture(scope="module")
def reloaded(version):
    return tf.saved_model.load(str(version))


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)


def png(image):
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def assert_same(outputs, expected):
    assert set(outputs) == set(expected)
    for name in expected:
        np.testing.assert_allclose(outputs[name], expected[name], atol=CLOSE, err_msg=name)


def test_the_network_has_the_weights_of_the_normaliser(normaliser, network, images):
    expected = normaliser.localiser(images)
    np.testing.assert_allclose(network(images)["parameters"], expected, atol=CLOSE)


def test_confidence_and_spread_are_among_the_answers_of_every_signature(sure_version, images):
    reloaded = tf.saved_model.load(str(sure_version))
    expected = small_normaliser(confidence=True).localiser(images)
    files = tf.constant([png(image.astype(np.uint8)) for image in images])
    boxes = tf.constant([[10.0, 10, 38, 38]] * 3)
    given = {"serving_default": [images], "fit": [images], "serving_bytes": [files]}
    for name, arguments in given.items():
        outputs = getattr(reloaded, name)(*map(tf.constant, arguments))
        tolerance = 1e-2 if name == "serving_bytes" else 1e-5  # whole levels
        for output, size in (("confidence", 1), ("spread", 68)):
            assert outputs[output].shape == (3, size)
            np.testing.assert_allclose(outputs[output], expected[output], atol=tolerance)
    of_faces, described = reloaded.serving_faces(files, boxes), read_card(sure_version)["outputs"]
    for output, size in (("confidence", 1), ("spread", 68)):
        assert of_faces[output].shape == (3, size)
        assert described[output]["shape"] == [None, size]


def test_the_first_version_is_1(version):
    assert version.name == "1" and (version / "saved_model.pb").is_file()
    assert [path.name for path in version.parent.iterdir()] == ["1"]


def test_the_default_signature_says_what_the_network_says(network, reloaded, images):
    for batch in (images, images[:1]):
        outputs = reloaded.signatures["serving_default"](image=tf.constant(batch))
        assert_same(outputs, network(batch, training=False))


def test_a_larger_texture_is_that_of_the_network(normaliser, images, tmp_path):
    version = export_saved_model(normaliser, tmp_path / "face", texture_size=224)
    assert read_card(version)["outputs"]["texture"]["shape"] == [None, 224, 224, 3]
    reloaded = tf.saved_model.load(str(version))
    network = trained_network(normaliser, texture_size=224)
    image = tf.constant(images[:2])
    textures, gradients = [], []
    for function in (reloaded.serving_default, network):
        with tf.GradientTape() as tape:
            tape.watch(image)
            outputs = function(image)
            loss = tf.reduce_mean(tf.square(outputs["texture"] / 100))
        textures.append(tf.concat([outputs["texture"], outputs["mask"]], axis=-1))
        gradients.append(tape.gradient(loss, image))
    assert textures[0].shape == (2, 224, 224, 4)
    np.testing.assert_array_equal(textures[0][..., 3], textures[1][..., 3])
    # A step between neighbouring pixels of 255 levels, times 1e-4 pixels.
    np.testing.assert_allclose(*textures, atol=0.0255)
    # The hand-written gradients are saved, that of the finer grid among them.
    np.testing.assert_allclose(*gradients, rtol=0, atol=1e-4 * np.abs(gradients[1]).max())


def test_fit_gives_parameters_and_landmarks_alone(network, reloaded, images):
    outputs = reloaded.signatures["fit"](image=tf.constant(images))
    expected = network(images, training=False)
    assert_same(outputs, {name: expected[name] for name in ("parameters", "landmarks")})


def test_encoded_crops_are_decoded(network, reloaded, images):
    crops = images.astype(np.uint8)
    outputs = reloaded.signatures["serving_bytes"](encoded=tf.constant([png(c) for c in crops]))
    status, message = outputs.pop("status"), outputs.pop("message")
    assert status.numpy().tolist() == [0] * 3 and message.numpy().tolist() == [b""] * 3
    assert_same(outputs, network(crops.astype(np.float32), training=False))


def test_encoded_crops_may_differ_in_size_and_the_middle_square_counts(network, reloaded, images):
    crop = images[0].astype(np.uint8)
    wide = cv2.copyMakeBorder(crop, 0, 0, 7, 7, cv2.BORDER_CONSTANT, value=(255, 0, 0))
    large = np.kron(crop, np.ones((2, 2, 1), np.uint8))
    files = tf.constant([png(crop), png(wide), png(large)])
    outputs = reloaded.signatures["serving_bytes"](encoded=files)
    np.testing.assert_allclose(outputs["landmarks"][1], outputs["landmarks"][0], atol=CLOSE)
    assert outputs["texture"].shape[0] == 3


def test_whole_photographs_with_boxes_are_answered_in_their_pixels(normaliser, reloaded, rng):
    small = rng.integers(0, 256, (9, 12, 3), np.uint8)
    photograph = cv2.resize(small, (120, 90), interpolation=cv2.INTER_CUBIC)
    # Enlarged: crops by averaging differ a little between OpenCV and TensorFlow.
    boxes = np.array([[30.3, 30.1, 50.0, 52.0], [60.0, 20.0, 75.0, 30.0]], np.float32)
    outputs = reloaded.signatures["serving_faces"](
        encoded=tf.constant([png(photograph)] * 2), boxes=tf.constant(boxes)
    )
    expected = normaliser.regress(photograph, boxes)
    # OpenCV rounds bilinear weights to 1/32.
    np.testing.assert_allclose(outputs["parameters"], expected, atol=0.1)
    faces = normaliser(photograph, boxes)
    for found, face in zip(outputs["landmarks"].numpy(), faces, strict=True):
        np.testing.assert_allclose(found, face.landmarks(), atol=0.1)


def test_gradients_of_a_reloaded_model_are_those_of_the_network(network, reloaded, images):
    def gradients(function, variables):
        image = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(image)
            outputs = function(image)
            loss = sum(tf.reduce_mean(tf.square(outputs[name] / 100)) for name in outputs)
        return tape.gradient(loss, [image, *variables])

    own = gradients(lambda image: network(image, training=False), network.trainable_variables)
    for function in (reloaded.serving_default, reloaded.signatures["serving_default"]):
        theirs = gradients(function, reloaded.trainable_variables)
        assert len(own) == len(theirs) == 1 + len(network.trainable_variables)
        for expected, found in zip(own, theirs, strict=True):
            scale = float(tf.reduce_max(tf.abs(expected)))
            assert scale > 0
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * scale)


def test_a_reloaded_model_can_be_trained(version, images):
    model = tf.saved_model.load(str(version))
    variables = model.trainable_variables
    losses = []
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model.fit(images)["landmarks"] - SIZE / 2) ** 2)
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(1e-5 * gradient)
        losses.append(float(loss))
    assert losses[2] < losses[1] < losses[0]


def test_saved_model_cli_shows_the_signatures(version):
    program = Path(sys.executable).with_name("saved_model_cli")
    command = [program, "show", "--dir", version, "--tag_set", "serve", "--all"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = {}
    for part in run.stdout.split("signature_def['")[1:]:
        tensors = re.findall(
            r"(in|out)puts\['(\w+)'\].*?dtype: (\w+)\s+shape: (\S.*?)\n", part, re.S
        )
        shown[part.split("']")[0]] = {(d, n): (t, s) for d, n, t, s in tensors}
    image = ("DT_FLOAT", f"(-1, {SIZE}, {SIZE}, 3)")
    geometry = {
        ("out", "parameters"): ("DT_FLOAT", "(-1, 12)"),
        ("out", "landmarks"): ("DT_FLOAT", "(-1, 68, 2)"),
    }
    all_four = {
        **geometry,
        ("out", "texture"): ("DT_FLOAT", "(-1, 16, 12, 3)"),
        ("out", "mask"): ("DT_FLOAT", "(-1, 16, 12, 1)"),
    }
    encoded = {("in", "encoded"): ("DT_STRING", "(-1)")}
    of_each = {
        ("out", "status"): ("DT_INT32", "(-1)"),
        ("out", "message"): ("DT_STRING", "(-1)"),
    }
    assert shown["serving_default"] == {("in", "image"): image, **all_four}
    assert shown["fit"] == {("in", "image"): image, **geometry}
    assert shown["serving_bytes"] == {**encoded, **all_four, **of_each}
    assert shown["serving_faces"] == {
        **encoded, ("in", "boxes"): ("DT_FLOAT", "(-1, 4)"), **all_four, **of_each
    }  # fmt: skip
    several = {
        name: (dtype, "(-1, -1" + shape[3:])
        for name, (dtype, shape) in {**all_four, **of_each}.items()
    }
    assert shown["serving_groups"] == {
        **encoded, ("in", "boxes"): ("DT_FLOAT", "(-1, -1, 4)"), **several
    }  # fmt: skip


def test_a_server_refuses_images_of_another_shape(version):
    # Without the signature's Python wrapper: the graph is all that a server has.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
        signature = graph.signature_def["fit"]
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="shape"):
            session.run(
                signature.outputs["landmarks"].name,
                {signature.inputs["image"].name: np.full((1, 2 * SIZE, SIZE, 3), 50.0)},
            )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((1, SIZE + 1, SIZE, 3), 50.0, np.float32), f"shape .batch, {SIZE}, {SIZE}, 3"),
        (np.full((1, SIZE, SIZE, 3), 0.5, np.float32), "received 0..1"),
        (np.full((3, SIZE, SIZE, 3), [[[[90]]], [[[0]]], [[[0.5]]]], np.float32), r"batch:\D+2\D"),
        (np.full((1, SIZE, SIZE, 3), 256.0, np.float32), "0..255"),
        (np.zeros((0, SIZE, SIZE, 3), np.float32), "at least one"),
        (np.full((1, SIZE, SIZE, 3), 50.0), "expected to be a float tensor"),
    ],
)
@pytest.mark.parametrize("signature", ["serving_default", "fit"])
def test_images_of_another_shape_type_or_range_are_refused(reloaded, signature, image, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        reloaded.signatures[signature](image=tf.constant(image))


def test_a_network_without_the_outputs_is_refused(normaliser, tmp_path):
    with pytest.raises(ValueError, match="landmarks, mask, parameters, texture, received one with"):
        saved_model.write_version(normaliser.localiser, tmp_path / "face")
    assert list(tmp_path.iterdir()) == []


def test_the_card_is_where_servers_leave_it_alone(version, normaliser):
    card = read_card(version)
    assert sorted(card.pop("photographs")["status"]) == ["0", "11", "15", "3"]
    assert card == json.loads(json.dumps(network_card(normaliser)))


def test_a_further_export_is_the_next_version(normaliser, tmp_path, monkeypatch):
    (tmp_path / "face" / "4").mkdir(parents=True)
    monkeypatch.setattr(saved_model, "write_version", lambda network, path, card: path.mkdir())
    assert export_saved_model(normaliser, tmp_path / "face") == tmp_path / "face" / "5"


def test_a_full_disk_leaves_nothing(normaliser, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # no file may be larger, in bytes
    try:
        with pytest.raises(OSError, match=r"File too large: '.*face.1'$"):
            export_saved_model(normaliser, tmp_path / "face")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
