"""`keras-3dmmstn normalise --mesh`, run as a user runs it."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.meshes.files import save_mesh
from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.command_line import assert_fails, names, run

BOX = ["--box", "20,20,80,80"]


@pytest.fixture
def normalised(rng, weights, tmp_path):
    """Runs the command on a photograph, and returns the folder and the face."""
    photograph = tmp_path / "some one.png"
    cv2.imwrite(str(photograph), rng.integers(0, 256, (100, 120, 3), np.uint8))
    (face,) = Normaliser.load(weights)(photograph, [[20, 20, 80, 80]])
    options = ("--weights", weights, "--no-overlay", *BOX)

    def run_with(*more):
        result = run("normalise", photograph, "--out", tmp_path / "out", *options, *more)
        assert result.exit_code == 0, result.output
        return tmp_path / "out", face

    return run_with


def test_meshes_are_written_and_named(normalised, tmp_path):
    kinds = [part for kind in ("glb", "obj", "ply", "npz") for part in ("--mesh", kind)]
    out, face = normalised(*kinds, "--mesh-frame", "camera", "--neutral")
    meshes = [f"some one_0.{end}" for end in ("glb", "mtl", "npz", "obj", "ply")]
    assert [name for name in names(out) if name.split(".")[1] not in ("png", "json")] == meshes
    for kind in ("glb", "ply"):
        save_mesh(face, tmp_path / f"mine.{kind}", frame="camera", expression="neutral")
        mine = (tmp_path / f"mine.{kind}").read_bytes()
        assert (out / f"some one_0.{kind}").read_bytes() == mine
    with np.load(out / "some one_0.npz") as arrays:
        np.testing.assert_array_equal(arrays["vertices"], face.vertices)
    assert "map_Kd some one_0_texture.png" in (out / "some one_0.mtl").read_text()


def test_morph_targets_and_the_head_by_default(normalised, tmp_path):
    out, face = normalised("--mesh", "glb", "--morph-targets")
    save_mesh(face, tmp_path / "mine.glb", blend_shapes=True)
    assert (out / "some one_0.glb").read_bytes() == (tmp_path / "mine.glb").read_bytes()


def test_a_run_without_meshes_removes_them(normalised):
    out, _ = normalised("--mesh", "obj")
    assert "some one_0.mtl" in names(out)
    normalised()
    assert names(out) == ["some one_0.json", "some one_0_mask.png", "some one_0_texture.png"]


def test_neutral_is_for_both_the_front_and_the_mesh(normalised):
    out, face = normalised("--mesh", "ply", "--front", "--front-size", 64, "--neutral")
    front = cv2.imread(str(out / "some one_0_front.png"))[..., ::-1]
    np.testing.assert_array_equal(front, face.front_view(64, expression="neutral"))


def test_a_mesh_of_someone_else_is_kept(weights, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "x_0.glb").write_text("mine")
    cv2.imwrite(str(tmp_path / "x.png"), np.full((100, 120, 3), 90, np.uint8))
    result = run("normalise", tmp_path / "x.png", "--out", out, "--weights", weights, *BOX)
    assert_fails(result, "x_0.glb, or nothing")
    assert names(out) == ["x_0.glb"] and (out / "x_0.glb").read_text() == "mine"
