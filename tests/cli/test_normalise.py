"""`keras-3dmmstn normalise`, run as a user runs it."""

import json

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.command_line import (
    assert_fails,
    names,
    run,
)

BOX = ["--box", "20,20,80,80"]


@pytest.fixture
def photograph(tmp_path, rng):
    path = tmp_path / "some one.png"
    cv2.imwrite(str(path), rng.integers(0, 256, (100, 120, 3), np.uint8))
    return path


def test_a_face_gives_texture_mask_overlay_and_json(photograph, weights, tmp_path):
    out = tmp_path / "results"
    result = run("normalise", photograph, "--out", out, "--weights", weights, *BOX)
    assert result.exit_code == 0, result.output
    assert names(out) == [
        "some one_0.json",
        "some one_0_mask.png",
        "some one_0_texture.png",
        "some one_overlay.jpg",
    ]
    assert all(name in result.output for name in names(out))

    (face,) = Normaliser.load(weights)(photograph, [[20, 20, 80, 80]])
    texture = cv2.imread(str(out / "some one_0_texture.png"))[..., ::-1]
    np.testing.assert_array_equal(texture, face.texture)
    mask = cv2.imread(str(out / "some one_0_mask.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(mask, face.mask * 255)
    description = json.loads((out / "some one_0.json").read_text())
    assert description["source"] == "../some one.png"
    assert description["box"] == [20, 20, 80, 80]
    np.testing.assert_allclose(description["landmarks"]["ibug68"], face.landmarks(), rtol=1e-6)
    np.testing.assert_allclose(description["landmarks"]["aflw21"], face.landmarks("aflw21"))
    for name, value in face.parameters.items():
        np.testing.assert_allclose(description["parameters"][name], value, rtol=1e-6)
    assert description["pose"] == pytest.approx(face.pose._asdict(), abs=0.005)


def test_textures_have_the_size_that_is_asked_for(photograph, weights, tmp_path):
    out = tmp_path / "results"
    options = ("--weights", weights, "--texture-size", 96, *BOX)
    result = run("normalise", photograph, "--out", out, *options)
    assert result.exit_code == 0, result.output
    (face,) = Normaliser.load(weights, texture_size=96)(photograph, [[20, 20, 80, 80]])
    texture = cv2.imread(str(out / "some one_0_texture.png"))[..., ::-1]
    np.testing.assert_array_equal(texture, face.texture)
    mask = cv2.imread(str(out / "some one_0_mask.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(mask, face.mask * 255)
    assert mask.shape == (96, 96)
    description = json.loads((out / "some one_0.json").read_text())
    assert description["visible_share"] == face.mask.mean()


@pytest.mark.parametrize("size", [31, 2049])
def test_a_texture_size_out_of_range_is_named(size, photograph, weights, tmp_path):
    out = tmp_path / "out"
    options = ("--weights", weights, "--texture-size", size, *BOX)
    result = run("normalise", photograph, "--out", out, *options)
    assert_fails(result, "Expected a texture size from 32 to 2048 pixels", f"received {size}.")
    assert not out.exists()


def test_there_is_one_overlay_as_large_as_the_photograph(photograph, weights, tmp_path):
    out = tmp_path / "out"
    boxes = (*BOX, "--box", "40,30,90,80")
    run("normalise", photograph, "--out", out, "--weights", weights, *boxes)
    overlays = [name for name in names(out) if "overlay" in name]
    assert overlays == ["some one_overlay.jpg"]
    assert cv2.imread(str(out / overlays[0])).shape == (100, 120, 3)


def test_no_overlay_is_drawn_where_none_is_wanted(photograph, weights, tmp_path):
    options = ("--out", tmp_path / "out", "--weights", weights, *BOX)
    run("normalise", photograph, *options)
    assert run("normalise", photograph, *options, "--no-overlay").exit_code == 0
    assert names(tmp_path / "out") == [
        "some one_0.json",
        "some one_0_mask.png",
        "some one_0_texture.png",
    ]


def test_the_mask_is_computed_as_is_asked_for(photograph, weights, tmp_path, monkeypatch):
    asked = []
    load = Normaliser.load.__func__
    monkeypatch.setattr(
        Normaliser,
        "load",
        classmethod(lambda cls, path, *options: asked.append(options) or load(cls, path, *options)),
    )
    for visibility in ("table", "normals"):
        options = ("--out", tmp_path, "--weights", weights, "--visibility", visibility, *BOX)
        assert run("normalise", photograph, *options).exit_code == 0
    assert [options[0] for options in asked] == ["table", "normals"]


def test_several_boxes_give_several_faces(photograph, weights, tmp_path):
    out = tmp_path / "results"
    run("normalise", photograph, "--out", out, "--weights", weights, *BOX, "--box", "40,30,90,80")
    assert json.loads((out / "some one_1.json").read_text())["box"] == [40, 30, 90, 80]


def test_a_bad_photograph_is_named_while_the_others_go_on(photograph, weights, tmp_path, faces):
    broken, missing = tmp_path / "broken.jpg", tmp_path / "missing.jpg"
    broken.write_bytes(b"no image")
    out = tmp_path / "results"
    result = run("normalise", broken, missing, photograph, "--out", out, "--weights", weights)
    assert_fails(result, "broken.jpg: expected an image", "missing.jpg")
    assert "2 of 3 photographs failed" in result.output
    assert len(names(out)) == 4

    faces(0)
    result = run("normalise", photograph, "--out", out, "--weights", weights)
    assert_fails(result, "some one.png: no face was found. Give its box with --box.")


def test_the_detector_finds_no_face_in_noise(photograph, weights, tmp_path):
    result = run("normalise", photograph, "--out", tmp_path / "out", "--weights", weights)
    assert result.exit_code == 1 and "no face was found" in result.output


def test_a_box_outside_the_photograph_is_named(photograph, weights, tmp_path):
    result = run(
        *("normalise", photograph, "--out", tmp_path / "out", "--weights", weights),
        *("--box", "500,500,600,600"),
    )
    assert result.exit_code == 1
    assert "Expected a box in the image of 120 x 100 pixels" in result.output


def test_json_has_the_detectors_score_and_the_roll(photograph, weights, tmp_path, faces):
    def description(*options):
        result = run("normalise", photograph, "--out", tmp_path, "--weights", weights, *options)
        assert result.exit_code == 0, result.output
        return json.loads((tmp_path / "some one_0.json").read_text())

    found = description()
    assert (found["score"], found["roll"]) == (0.9, 0.0)
    given = description(*BOX)
    assert (given["score"], given["roll"]) == (None, 0.0)
    turned = description(*BOX, "--roll", "-90")
    assert turned["score"] is None and turned["roll"] == pytest.approx(-np.pi / 2, abs=1e-5)
    (face,) = Normaliser.load(weights)(photograph, [[20, 20, 80, 80]], [-np.pi / 2])
    np.testing.assert_allclose(turned["landmarks"]["ibug68"], face.landmarks(), rtol=1e-5)


def test_each_box_has_its_own_roll(photograph, weights, tmp_path):
    boxes = (*BOX, "--box", "40,30,90,80", "--roll", 10, "--roll", 350)
    result = run("normalise", photograph, "--out", tmp_path, "--weights", weights, *boxes)
    assert result.exit_code == 0, result.output
    rolls = [json.loads((tmp_path / f"some one_{k}.json").read_text())["roll"] for k in (0, 1)]
    np.testing.assert_allclose(np.rad2deg(rolls) % 360, [10, 350], atol=0.01)


def test_a_roll_goes_with_a_box(photograph, tmp_path):
    result = run("normalise", photograph, "--out", tmp_path, "--roll", "10")
    assert_fails(result, "--roll goes with --box.")


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "1 2 3 4"])
def test_a_box_that_is_none_is_named(box, photograph, weights, tmp_path):
    out = tmp_path / "out"
    result = run("normalise", photograph, "--out", out, "--weights", weights, "--box", box)
    assert result.exit_code == 1 and "--box expects x0,y0,x1,y1" in result.output
    assert not out.exists()


def test_a_box_goes_with_one_photograph(photograph, weights, tmp_path):
    result = run("normalise", photograph, photograph, "--out", tmp_path, *BOX)
    assert result.exit_code == 1 and "--box goes with one photograph" in result.output


def test_an_out_that_is_a_file_is_named_and_kept(photograph, weights):
    before = photograph.read_bytes()
    result = run("normalise", photograph, "--out", photograph, "--weights", weights, *BOX)
    assert result.exit_code == 1 and "Expected a folder to write to" in result.output
    assert photograph.read_bytes() == before


def test_missing_weights_are_named(photograph, tmp_path):
    result = run("normalise", photograph, "--out", tmp_path / "o", "--weights", tmp_path, *BOX)
    assert result.exit_code == 1 and "localiser.keras" in result.output


def test_a_strip_too_thin_to_search_has_no_face(weights, tmp_path):
    cv2.imwrite(str(tmp_path / "strip.png"), np.full((2, 5000, 3), 128, np.uint8))
    result = run("normalise", tmp_path / "strip.png", "--out", tmp_path, "--weights", weights)
    assert result.exit_code == 1 and "strip.png: no face was found" in result.output


def test_a_box_far_larger_than_the_photograph_is_named(photograph, weights, tmp_path):
    box = "--box=-1e7,-1e7,1e7,1e7"
    result = run("normalise", photograph, "--out", tmp_path / "o", "--weights", weights, box)
    assert result.exit_code == 1 and "more than 10 times as large" in result.output


@pytest.mark.parametrize("damage", ["empty", "text", "zeroed"])
def test_damaged_weights_are_named(damage, photograph, weights, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "face_model.npz").write_bytes((weights / "face_model.npz").read_bytes())
    content = bytearray((weights / "localiser.keras").read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    content = {"empty": b"", "text": b"no weights", "zeroed": bytes(content)}[damage]
    (folder / "localiser.keras").write_bytes(content)
    result = run("normalise", photograph, "--out", tmp_path / "o", "--weights", folder, *BOX)
    assert result.exit_code == 1
    assert "localiser.keras: expected a localiser that Keras saved" in result.output


def test_the_face_from_the_front(photograph, weights, tmp_path):
    out, plain = tmp_path / "results", ("normalise", photograph, "--weights", weights, *BOX)
    result = run(*plain, "--out", out, "--front", "--front-size", 90, "--neutral")
    assert result.exit_code == 0, result.output
    assert "some one_0_front.png" in names(out) and "some one_0_front.png" in result.output
    (face,) = Normaliser.load(weights)(photograph, [[20, 20, 80, 80]])
    front = cv2.imread(str(out / "some one_0_front.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    np.testing.assert_array_equal(front, face.front_view(90, expression="neutral"))


def test_the_face_from_the_front_on_a_transparent_background(photograph, weights, tmp_path):
    options = ("--front", "--transparent", "--weights", weights, "--out", tmp_path, *BOX)
    assert run("normalise", photograph, *options).exit_code == 0
    front = cv2.imread(str(tmp_path / "some one_0_front.png"), cv2.IMREAD_UNCHANGED)
    assert front.shape == (512, 512, 4)
    (face,) = Normaliser.load(weights)(photograph, [[20, 20, 80, 80]])
    expected = cv2.cvtColor(face.front_view(background=None), cv2.COLOR_RGBA2BGRA)
    np.testing.assert_array_equal(front, expected)


def test_fill_fills_the_texture_and_the_front_and_not_the_mask(weights, tmp_path):
    cv2.imwrite(str(tmp_path / "half.png"), np.full((100, 120, 3), 150, np.uint8))
    # The face leaves the photograph.
    options = ("--front", "--weights", weights, "--box", "80,20,140,80")
    for folder, fill in (("empty", ()), ("filled", ("--fill", "mirror"))):
        result = run(
            "normalise", tmp_path / "half.png", "--out", tmp_path / folder, *options, *fill
        )
        assert result.exit_code == 0, result.output

    def picture(folder, kind):
        return cv2.imread(str(tmp_path / folder / f"half_0_{kind}.png"))

    np.testing.assert_array_equal(picture("filled", "mask"), picture("empty", "mask"))
    hidden = picture("empty", "mask") == 0
    assert (picture("empty", "texture")[hidden] == 0).all()
    assert (picture("filled", "texture")[hidden] > 90).all()
    white = [(picture(folder, "front") == 255).mean() for folder in ("empty", "filled")]
    assert white[1] < white[0] - 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fill", "black"], "None or one of 'mirror', received 'black'"),
        (["--front", "--fill", "black"], "None or one of 'mirror', received 'black'"),
        (["--front", "--front-size", "8"], "size of 16 to 4096 pixels, received 8"),
        (["--front-size", "64"], "--front-size goes with --front"),
        (["--neutral"], "--neutral goes with --front or --mesh."),
        (["--mesh", "stl"], "a kind of mesh among glb, obj, ply, npz, received 'stl'"),
        (["--mesh", "obj", "--morph-targets"], "Expected glb, which alone has blend shapes"),
        (["--mesh", "glb", "--mesh-frame", "world"], "'head' or 'camera', received 'world'"),
        (["--mesh-frame", "camera"], "--mesh-frame goes with --mesh."),
        (["--morph-targets"], "--morph-targets goes with --mesh."),
        (["--transparent"], "--transparent goes with --front"),
        (["--visibility", "guess"], "expects depth, table or normals, received 'guess'"),
        (["--roll", "10", "--roll", "20"], "one for each of 1 --box, received 10 20"),
        (["--roll", "nan"], "--roll expects degrees, one for each of 1 --box, received nan"),
    ],
)
def test_bad_options_are_named_before_anything_is_written(
    options, message, photograph, weights, tmp_path
):
    out = tmp_path / "out"
    result = run("normalise", photograph, "--out", out, "--weights", weights, *BOX, *options)
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert not out.exists()
