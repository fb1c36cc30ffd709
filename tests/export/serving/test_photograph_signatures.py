"""Requests of encoded photographs: what is bad is said, and the others are answered."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving import photograph_signatures

BOX = [30.0, 30, 70, 80]


@pytest.fixture(scope="module")
def folder(sure_version):
    return sure_version


@pytest.fixture(scope="module")
def model(folder):
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def photograph():
    small = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(small, (120, 90), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module", params=[".png", ".jpg"])
def file(request, photograph):
    return cv2.imencode(request.param, photograph)[1].tobytes()


def bad_files(file):
    """Files by the status that they get."""
    claims = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    claims[16:24] = (10_000).to_bytes(4, "big") * 2
    return {
        3: [b"", b"no photograph", bytes(claims)],
        15: [file[:20], file[:60], file[: len(file) // 2]],
    }


def assert_no_answers(outputs, places):
    for name, values in outputs.items():
        if name in ("texture", "mask"):
            assert not np.any(values.numpy()[places])
        elif name not in ("status", "message"):
            assert np.all(np.isnan(values.numpy()[places]))


def assert_answers(outputs, places, expected):
    for name, values in expected.items():
        found = outputs[name].numpy()[places]
        if name == "message":
            assert found.tolist() == values.numpy().tolist()
        else:
            assert np.all(np.isfinite(found))
            # Of up to 120 pixels or 255 levels, float32 in another order of summation.
            np.testing.assert_allclose(found, values, atol=1e-3, err_msg=name)


def test_bad_files_do_not_fail_the_others(model, file):
    bad = bad_files(file)
    files = [file, *bad[3], *bad[15], file]
    outputs = model.signatures["serving_bytes"](encoded=tf.constant(files))
    assert outputs["status"].numpy().tolist() == [0, 3, 3, 3, 15, 15, 15, 0]
    for message, content in zip(outputs["message"].numpy()[1:7], files[1:7], strict=True):
        assert message.startswith(b"encoded: expected ")
        assert message.decode().split(" bytes")[-2].endswith(f" {len(content)}")
    assert_no_answers(outputs, slice(1, 7))
    alone = model.signatures["serving_bytes"](encoded=tf.constant([file, file]))
    assert_answers(outputs, [0, 7], alone)


def test_bad_files_and_boxes_do_not_fail_the_other_faces(model, file):
    boxes = [BOX, [900.0, 900, 990, 990], [5.0, 0, 5, 9], BOX, BOX]
    files = [file, file, file, file[:60], file]
    outputs = model.signatures["serving_faces"](
        encoded=tf.constant(files), boxes=tf.constant(boxes)
    )
    assert outputs["status"].numpy().tolist() == [0, 11, 3, 15, 0]
    messages = outputs["message"].numpy()
    assert b"received 900, 900, 990, 990 in one of width and height 120, 90" in messages[1]
    assert b"expected x0 < x1, y0 < y1, received 5, 0, 5, 9" in messages[2]
    assert_no_answers(outputs, slice(1, 4))
    alone = model.signatures["serving_faces"](
        encoded=tf.constant([file] * 2), boxes=tf.constant([BOX] * 2)
    )
    assert_answers(outputs, [0, 4], alone)


@pytest.mark.parametrize("count", [1, 3])
def test_a_request_of_nothing_good_is_answered(model, count):
    outputs = model.signatures["serving_bytes"](encoded=tf.constant([b"GIF89a"] * count))
    assert outputs["status"].numpy().tolist() == [3] * count
    assert outputs["landmarks"].shape == (count, 68, 2)
    assert_no_answers(outputs, slice(None))


def test_a_network_that_fails_for_no_images_is_never_given_none(file):
    def whole(images):
        with tf.control_dependencies([tf.debugging.assert_positive(tf.shape(images)[0])]):
            colour = tf.reduce_mean(images, axis=(1, 2))
        return {"parameters": tf.tile(colour, (1, 4)), "landmarks": colour[:, None, :2]}

    image = tf.TensorSpec((None, 8, 8, 3), tf.float32)
    signatures = photograph_signatures.signatures_of_photographs(whole, image)
    function, _ = signatures["serving_bytes"]
    assert function(tf.constant([b"GIF89a"]))["status"].numpy().tolist() == [3]
    function, _ = signatures["serving_groups"]
    outputs = function(tf.constant([file]), tf.zeros((1, 0, 4)))
    assert outputs["landmarks"].shape == (1, 0, 1, 2)


@pytest.mark.parametrize(("photographs", "faces"), [(70, 1), (5, 30), (2, 64), (3, 0)])
def test_a_network_looks_at_64_faces_at_most_at_a_time(file, photographs, faces):
    def whole(images):
        count = tf.shape(images)[0]
        with tf.control_dependencies([tf.debugging.assert_less_equal(count, 64)]):
            colour = tf.reduce_mean(images, axis=(1, 2))
        return {"parameters": tf.tile(colour, (1, 4)), "landmarks": colour[:, None, :2]}

    image = tf.TensorSpec((None, 8, 8, 3), tf.float32)
    signatures = photograph_signatures.signatures_of_photographs(whole, image)
    encoded = [file] * photographs
    boxes = BOX + np.arange(photographs * faces).reshape(photographs, faces, 1) % 30
    if photographs > 1 and faces:
        encoded[-1], boxes[0, -1] = b"GIF89a", 0
    function, _ = signatures["serving_groups"]
    boxes = tf.constant(boxes, tf.float32)
    outputs = function(tf.constant(encoded), boxes)
    expected = [function(tf.constant([e]), b[None]) for e, b in zip(encoded, boxes, strict=True)]
    for name, values in outputs.items():
        wanted = np.concatenate([answer[name] for answer in expected])
        np.testing.assert_array_equal(values.numpy(), wanted, err_msg=name)
    if faces == 1:
        function, _ = signatures["serving_faces"]
        flat = function(tf.constant(encoded), boxes[:, 0])
        np.testing.assert_array_equal(flat["landmarks"], outputs["landmarks"][:, 0])
        function, _ = signatures["serving_bytes"]
        assert function(tf.constant(encoded))["status"].numpy().tolist() == [0] * 69 + [3]


def test_a_file_that_ends_in_its_header_is_damaged_and_not_its_box(model):
    for content in (b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + bytes(20)):
        outputs = model.signatures["serving_faces"](
            encoded=tf.constant([content]), boxes=tf.constant([BOX])
        )
        assert outputs["status"].numpy().tolist() == [15]
        assert b"a damaged or truncated one of" in outputs["message"].numpy()[0]


def test_a_server_without_eager_execution_says_the_same(folder, model, file):
    files = [file, file[:60], b"no photograph"]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = graph.signature_def["serving_bytes"]
        names = [signature.outputs[name].name for name in ("status", "landmarks")]
        status, landmarks = session.run(names, {signature.inputs["encoded"].name: files})
    assert status.tolist() == [0, 15, 3]
    expected = model.signatures["serving_bytes"](encoded=tf.constant(files))["landmarks"]
    np.testing.assert_allclose(landmarks, expected, atol=1e-3)


def test_requests_of_another_shape_are_refused_as_a_whole(model, file):
    faces = model.signatures["serving_faces"]
    for boxes in ([BOX, BOX], [BOX[:3]]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="boxes: expected shape"):
            faces(encoded=tf.constant([file]), boxes=tf.constant(boxes))
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 64 for each photograph"):
        model.signatures["serving_groups"](
            encoded=tf.constant([file]), boxes=tf.constant([[BOX] * 65])
        )
    for name, boxes in (("serving_bytes", {}), ("serving_faces", {"boxes": tf.zeros((0, 4))})):
        with pytest.raises(tf.errors.InvalidArgumentError, match="at least one"):
            model.signatures[name](encoded=tf.zeros((0,), tf.string), **boxes)


def test_gradients_pass_what_has_no_answer(model, file):
    with tf.GradientTape() as tape:
        outputs = model.serving_faces(tf.constant([file, b""]), tf.constant([BOX, BOX]))
        loss = tf.reduce_mean(outputs["landmarks"][:1] ** 2)
    gradients = tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients)
    assert any(np.any(gradient) for gradient in gradients)


def test_many_requests_take_no_more_memory(model, file):
    files = tf.constant([file, file[:60]])

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    def ask(times):
        for _ in range(times):
            model.signatures["serving_bytes"](encoded=files)

    ask(50)
    before = resident()
    ask(200)
    # A leak of what one request decodes, 32 kB, would be 6 MB; pages come and go by the 100 kB.
    assert resident() - before < 3e6


def test_boxes_of_one_photograph_are_answered_together(model, file):
    boxes = [[BOX, [40.0, 10, 60, 35]], [[10.0, 20, 40, 50], [0.0] * 4]]
    files = tf.constant([file, file])
    outputs = model.signatures["serving_groups"](encoded=files, boxes=tf.constant(boxes))
    assert outputs["status"].numpy().tolist() == [[0, 0], [0, 3]]
    one_by_one = model.signatures["serving_faces"](
        encoded=tf.constant([file] * 3), boxes=tf.constant([*boxes[0], boxes[1][0]])
    )
    flat = {n: tf.reshape(v, (4, *v.shape[2:])) for n, v in outputs.items()}
    assert_answers(flat, slice(3), one_by_one)
    assert_no_answers(flat, slice(3, 4))


def test_a_bad_photograph_fails_its_own_faces_alone(model, file):
    outputs = model.signatures["serving_groups"](
        encoded=tf.constant([file[:60], file]), boxes=tf.constant([[BOX] * 3] * 2)
    )
    assert outputs["status"].numpy().tolist() == [[15] * 3, [0] * 3]
    assert outputs["texture"].shape == (2, 3, 16, 12, 3)
