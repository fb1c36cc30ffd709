"""The examples for phones, against the file that the package exports."""

import json
import re
import runpy
import subprocess
import sys
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from keras_3dmmstn.export.mobile.tflite import export_tflite
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.paths import ROOT

FOLDER = ROOT / "examples" / "phone"
EXAMPLE = FOLDER / "normalise_camera.py"
PORTRAIT = Path(str(resources.files("keras_3dmmstn.assets") / "portrait.jpg"))
BOX = [88.0, 87.0, 181.0, 179.0]


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained(looks=1)  # as the file, which runs once


@pytest.fixture(scope="module")
def model(normaliser, tmp_path_factory):
    return export_tflite(
        normaliser, tmp_path_factory.mktemp("phone") / "face.tflite", precision="float16"
    )


@pytest.fixture(scope="module")
def example():
    return runpy.run_path(str(EXAMPLE))


@pytest.fixture
def detector():
    """BlazeFace, which comes with the package."""
    return PORTRAIT.with_name("blazeface_short_range.tflite")


def run_alone(*arguments):
    """Runs the example in a fresh process, which must not load TensorFlow or this package."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = {[str(EXAMPLE), *map(str, arguments)]}\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "loaded = {'tensorflow', 'keras', 'keras_3dmmstn'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)


def test_a_photograph_is_normalised_without_tensorflow(model, normaliser, tmp_path):
    box = ",".join(map(str, BOX))
    out = tmp_path / "out"
    run = run_alone(model, "--source", PORTRAIT, "--box", box, "--out", out)
    assert run.returncode == 0, run.stderr
    texture = read_photograph(out / "000000.png").astype(float)
    (face,) = normaliser(PORTRAIT, [BOX])
    both = face.mask & (texture.max(axis=-1) > 0)
    assert both.mean() > 0.7
    # The package samples the photograph itself, the file its crop of 224 pixels.
    assert np.abs(texture - face.texture)[both].mean() < 4
    printed = [float(number) for number in run.stdout.split()[1:]]
    np.testing.assert_allclose(printed, box_of(face.landmarks()), atol=0.2)


def box_of(landmarks):
    return np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)])


@pytest.mark.parametrize("zoom", [1.0, 3.6])
def test_landmarks_are_those_of_the_package_at_any_size(example, model, normaliser, zoom):
    photograph = cv2.resize(read_photograph(PORTRAIT), None, fx=zoom, fy=zoom)
    box = (np.array(BOX) + 0.5) * zoom - 0.5
    (face,) = normaliser(photograph, [box])
    landmarks = example["FaceNormaliser"](model)(photograph, box)["landmarks"]
    # 0.1 pixels of the network's input, which has more or fewer of them for the same face.
    scale = 224 / (1.7 * (box[2:] - box[:2]).max())
    np.testing.assert_allclose(landmarks, face.landmarks(), atol=0.1 / scale)


def test_the_older_interpreter_gives_the_same_numbers(example, model, rng):
    images = rng.uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
    (new, shape), (old, old_shape) = (
        example[name](str(model)) for name in ("compiled", "interpreted")
    )
    assert shape == old_shape == [1, 224, 224, 3]
    for _ in range(2):
        answers, expected = new(images), old(images)
        assert set(answers) == set(expected) >= {"landmarks", "texture", "mask", "parameters"}
        for name, values in answers.items():
            # The same kernels; XNNPACK may split the sums in another way.
            scale = np.abs(expected[name]).max()
            np.testing.assert_allclose(values, expected[name], atol=1e-5 * scale, err_msg=name)
        images = images[:, :, ::-1].copy()


def test_a_face_is_found_and_followed(example, model, detector):
    portrait = read_photograph(PORTRAIT)
    frames = [np.roll(portrait, 3 * step, axis=1) for step in range(5)]
    frames = [np.zeros_like(portrait), *frames]
    normalise, detect = (example[n] for n in ("FaceNormaliser", "FaceDetector"))
    followed = list(example["follow"](frames, normalise(model), detect(detector)))
    assert followed[0][1] is None  # a black frame has no face
    noses = [face["landmarks"][30] for _, face in followed[1:]]
    np.testing.assert_allclose(np.diff(noses, axis=0), [[3, 0]] * 4, atol=0.5)
    np.testing.assert_allclose(box_of(followed[1][1]["landmarks"]), BOX, atol=4)


@pytest.mark.parametrize("grey", [0, 128])
def test_a_face_that_is_gone_leaves_no_textures(grey, example, model, detector):
    portrait = read_photograph(PORTRAIT)
    empty = np.full_like(portrait, grey)
    frames = [portrait, portrait, empty, empty, portrait]
    normalise, detect = (example[n] for n in ("FaceNormaliser", "FaceDetector"))
    followed = example["follow"](frames, normalise(model), detect(detector))
    assert [face is not None for _, face in followed] == [True, True, False, False, True]


def test_a_face_of_which_the_network_is_not_sure_is_searched_again(example, model, detector):
    """It moves by 40 pixels: the detector sees a face in the box, which is no more that of it."""
    portrait = read_photograph(PORTRAIT)
    frames = [cv2.copyMakeBorder(portrait, 0, 0, x, 80 - x, 0) for x in (20, 20, 60, 60)]
    normalise, detect = (example[n] for n in ("FaceNormaliser", "FaceDetector"))
    followed = [face for _, face in example["follow"](frames, normalise(model), detect(detector))]
    assert all(face["confidence"] > 0.5 for face in followed)
    step = followed[2]["landmarks"] - followed[1]["landmarks"]
    np.testing.assert_allclose(np.median(step, axis=0), [40, 0], atol=1)


def test_without_a_detector_a_face_that_is_gone_is_waited_for_where_it_was(example, model):
    portrait = read_photograph(PORTRAIT)
    empty = np.full_like(portrait, 128)
    normalise = example["FaceNormaliser"](model)
    followed = example["follow"]([portrait, *[empty] * 3, portrait], normalise, box=BOX)
    first, *gone, last = [face for _, face in followed]
    assert gone == [None] * 3
    np.testing.assert_allclose(last["landmarks"], first["landmarks"], atol=2)


@pytest.mark.parametrize(("height", "width", "side"), [(480, 640, 224), (200, 300, 100)])
def test_a_texture_of_any_size_fits_into_the_corner(example, height, width, side):
    frame = np.full((height, width, 3), 90, np.uint8)
    face = {"texture": np.full((224, 224, 3), 200, np.uint8), "landmarks": np.empty((0, 2))}
    drawn = example["picture"](frame, face)
    assert (drawn[:side, :side] == 200).all()
    assert (drawn[side:] == 90).all() and (drawn[:, side:] == 90).all()


def test_without_a_box_and_a_detector_the_example_says_what_it_needs(model):
    run = run_alone(model)
    assert run.returncode == 2 and "one of --detector and --box is needed" in run.stderr


def test_what_is_wrong_is_said_in_a_sentence(model, tmp_path):
    (tmp_path / "alone.tflite").write_bytes(model.read_bytes())
    (tmp_path / "other.tflite").write_bytes(model.read_bytes())
    (tmp_path / "other.json").write_text("[]")
    (tmp_path / "no.tflite").write_bytes(b"no model")
    (tmp_path / "file").touch()
    box = ("--box", ",".join(map(str, BOX)))
    source = ("--source", PORTRAIT, "--out", tmp_path / "out")
    for arguments, message in (
        ((tmp_path / "none.tflite", *box), "Expected a .tflite file, received"),
        ((tmp_path / "no.tflite", *box), "Expected a .tflite file, received"),
        ((tmp_path / "alone.tflite", *box, *source), "expected its card beside it"),
        ((tmp_path / "other.tflite", *box, *source), "other.json: expected the card of"),
        (
            (model, "--box", "1,2,3"),
            "argument --box: expected x0,y0,x1,y1 of a box, received 1,2,3",
        ),
        ((model, "--detector", model), "expected BlazeFace, with input of shape"),
        ((model, *box, "--source", tmp_path / "file"), "Expected a camera, a video or a photo"),
        ((model, *box, *source[:2], "--out", tmp_path / "file"), "file: File exists"),
        ((model, "--box", "0,0,40,40", *source), "There is no face that the network is sure of"),
    ):
        run = run_alone(*arguments)
        assert run.returncode in (1, 2) and message in run.stderr, run.stderr
        assert "Traceback" not in run.stderr


def test_the_buffers_of_the_kotlin_example_fit_the_model(model):
    card = json.loads(model.with_suffix(".json").read_text())
    text = (FOLDER / "FaceNormaliser.kt").read_text()
    shapes = {name: float(value.rstrip("f")) for name, value in CONSTANT.findall(text)}
    outputs = {name: entry["shape"] for name, entry in card["outputs"].items()}
    assert card["input"]["shape"] == [1, shapes["IMAGE"], shapes["IMAGE"], 3]
    assert outputs["parameters"] == [1, shapes["PARAMETERS"]]
    assert outputs["landmarks"] == [1, shapes["LANDMARKS"], 2]
    assert outputs["texture"] == [1, shapes["TEXTURE"], shapes["TEXTURE"], 3]
    assert outputs["mask"] == [1, shapes["MASK"], shapes["MASK"], 1]
    assert outputs["confidence"] == [1, 1] and outputs["spread"] == [1, 68]
    assert card["input"]["box"]["share"] == shapes["SHARE"]
    # What is allocated for the image, and the names of the signature.
    assert "private val image = FloatArray(Shapes.IMAGE * Shapes.IMAGE * 3)" in text
    assert 'model.createInputBuffer("image")' in text
    (names,) = re.findall(r"val OUTPUTS = listOf\((.*)\)", text)
    assert re.findall(r'"(\w+)"', names) == list(outputs)


CONSTANT = re.compile(r"const val ([A-Z]+) = ([0-9.]+f?)")
