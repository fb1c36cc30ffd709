"""`keras-3dmmstn face-model build`, run as a user runs it."""

import dataclasses
import json

import cv2
import igl
import keras
import numpy as np
import pytest

from keras_3dmmstn import GridModel, spatial_transformer
from tests.support.command_line import assert_fails, run
from tests.support.face_meshes import toy_face, with_holes
from tests.support.paths import published_model
from tests.support.rendered_faces import errors_before_and_after_training
from tests.support.small_network import small_backbone
from tests.support.toy_leaves import LANDMARKS, leaf_triangles, leaves


def build(*arguments):
    return run("face-model", "build", *arguments)


def test_build_writes_a_grid_model_and_prints_its_quality(source, tmp_path):
    out = tmp_path / "model.npz"
    result = build(source, "--kind", "npz", "--grid", 32, "--out", out)
    assert result.exit_code == 0, result.output
    for text in ("32 x 32", "6 modes", "flipped triangles", "angle distortion", "mirror error"):
        assert text in result.output
    built = GridModel.load(out)
    assert built.grid_shape == (32, 32)
    assert set(built.landmarks) == {"ibug68", "aflw21"}
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.parametrize("name", ["model", "model.NPZ", "model.npz.bak"])
def test_build_refuses_a_name_that_would_get_another_ending(source, tmp_path, name):
    result = build(source, "--kind", "npz", "--out", tmp_path / name)
    assert_fails(result, f"--out expects a name that ends in .npz, received {tmp_path / name}.")
    assert not list(tmp_path.iterdir())


def test_build_keeps_as_many_modes_as_asked_for(source, tmp_path):
    out = tmp_path / "model.npz"
    build(source, "--kind", "npz", "--out", out, "--identity", 2, "--expression", 1)
    built = GridModel.load(out)
    assert (built.identity_count, built.modes) == (2, 3)


def test_the_options_steer_the_cut(source, tmp_path):
    widths = {}
    for name, options in {
        "all": ["--region", "all"],
        "small": ["--region", "radius", "--radius", 96, "--centre", "0,0,-20"],
    }.items():
        out = tmp_path / f"{name}.npz"
        result = build(source, "--kind", "npz", "--grid", 32, "--out", out, *options)
        assert result.exit_code == 0, result.output
        widths[name] = np.ptp(GridModel.load(out).mean[:, 1])
    assert widths["small"] < widths["all"]


def test_landmarks_come_from_another_model(source, tmp_path):
    bare = tmp_path / "bare.npz"
    dataclasses.replace(toy_face(), landmarks={}).save(bare)
    out = tmp_path / "model.npz"
    result = build(bare, "--kind", "npz", "--out", out, "--landmarks-from", source)
    assert result.exit_code == 0, result.output
    away = GridModel.load(out)
    points = away.mean[away.landmarks["ibug68"]] - toy_face().mean[toy_face().landmarks["ibug68"]]
    assert np.median(np.linalg.norm(points, axis=1)) < 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--kind", "nonsense"], "bfm2009"),
        (["--kind", "npz", "--region", "head"], "face, radius, all"),
        (["--kind", "npz", "--centre", "1,2"], "--centre expects x,y,z"),
        (["--kind", "npz", "--blendshapes", "x"], "--blendshapes does not go with --kind npz"),
        (["--kind", "npz", "--identity", "50"], "50"),
        (["--kind", "npz", "--region", "radius", "--radius", "30"], "outside of the region"),
        (["--kind", "npz", "--landmarks-from", "missing.npz"], "missing.npz"),
        (["--kind", "tddfa"], "head.npz"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_written(source, tmp_path, options, text):
    result = build(source, "--out", tmp_path / "out.npz", *options)
    assert_fails(result, text)
    assert not list(tmp_path.iterdir())


def test_a_missing_source_is_named(tmp_path):
    for kind in ("npz", "tddfa", "ict"):
        result = build(tmp_path / "no", "--kind", kind, "--out", tmp_path / "out.npz")
        assert_fails(result, "no")
    for command in ("inspect", "render", "sample"):
        options = [] if command == "inspect" else ["--out", tmp_path / "o"]
        assert_fails(run("face-model", command, tmp_path / "no.npz", *options), "no.npz")


def test_a_folder_that_cannot_be_made_is_named(model, source, tmp_path):
    (tmp_path / "file").write_text("")
    assert_fails(run("face-model", "render", model, "--out", tmp_path / "file"), "file")
    assert_fails(run("face-model", "sample", model, "--out", tmp_path / "file"), "file")
    out = tmp_path / "file" / "model.npz"
    assert_fails(build(source, "--kind", "npz", "--out", out), "file")


def overfit_error(grid_model):
    """Trains the network on two photographs of noise; returns the landmark error in pixels."""
    keras.utils.set_random_seed(0)
    model = spatial_transformer(grid_model, small_backbone(64), image_size=64)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 64, 64, 3))
    labels = []
    for angle in (-0.3, 0.25):
        turn = cv2.Rodrigues(np.array([0.1, angle, 0.1]))[0]
        points = grid_model.shape(0.5 * rng.normal(size=grid_model.modes)) @ turn.T
        points = 0.2 * points[grid_model.landmarks["ibug68"], :2] + 32
        labels.append(np.concatenate([points, np.ones((68, 1))], axis=1))
    _, error = errors_before_and_after_training(
        model, images, np.stack(labels), steps=150, learning_rate=3e-3
    )
    return error


@pytest.mark.slow
def test_a_built_model_goes_into_the_network_and_learns_two_photographs(model):
    assert overfit_error(GridModel.load(model)) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "path"),
    [("tddfa", "bfm_3ddfa_53215.npz"), ("ict", "ict/FaceXModel"), ("surrey", "sfm")],
)
def test_published_models_go_into_the_network_and_learn_two_photographs(kind, path, tmp_path):
    out = tmp_path / "model.npz"
    result = build(published_model(path), "--kind", kind, "--out", out)
    assert result.exit_code == 0, result.output
    assert overfit_error(GridModel.load(out)) < 0.5


def write_leaves(folder):
    """Writes five registered meshes without symmetry, and their landmarks."""
    (folder / "leaves").mkdir()
    for number, mesh in enumerate(leaves(5)):
        y_up = mesh * [1, -1, -1]
        igl.write_triangle_mesh(str(folder / f"leaves/{number}.obj"), y_up, leaf_triangles())
    (folder / "landmarks.json").write_text(json.dumps({"leaf": LANDMARKS.tolist()}))


def test_meshes_of_any_object_are_built_as_they_are(tmp_path):
    write_leaves(tmp_path)
    out, landmarks = tmp_path / "leaves.npz", tmp_path / "landmarks.json"
    options = ["--kind", "meshes", "--region", "disc", "--landmarks", landmarks, "--grid", 24]
    result = build(tmp_path / "leaves", *options, "--identity", 3, "--out", out)
    assert result.exit_code == 0, result.output
    assert "640 triangles" in result.output and "mirror error" not in result.output
    built = GridModel.load(out)
    assert built.modes == 3 and list(built.landmarks) == ["leaf"] and not built.regions
    stalk, tip = built.mean[built.landmarks["leaf"][:2]]
    assert tip[1] < stalk[1] - 100  # upright, and nothing is cut away


def test_a_symmetric_disc_has_a_symmetric_grid(tmp_path):
    source, out = tmp_path / "disc.npz", tmp_path / "model.npz"
    dataclasses.replace(toy_face(), mirror=None).save(source)
    result = build(source, "--kind", "npz", "--region", "disc", "--grid", 32, "--out", out)
    assert result.exit_code == 0, result.output
    built = GridModel.load(out)
    np.testing.assert_allclose(built.mean[built.mirror], built.mean * [-1, 1, 1], atol=1e-4)


def test_the_flattening_of_least_distortion_takes_any_disc(tmp_path):
    write_leaves(tmp_path)
    options = ["--kind", "meshes", "--region", "disc", "--flattening", "least-distortion"]
    result = build(tmp_path / "leaves", *options, "--grid", 16, "--out", tmp_path / "leaves.npz")
    assert result.exit_code == 0, result.output


def test_a_surface_that_is_no_disc_is_refused(tmp_path):
    holed = tmp_path / "holed.npz"
    with_holes(toy_face()).save(holed)
    out = tmp_path / "out.npz"
    result = build(holed, "--kind", "npz", "--region", "disc", "--out", out)
    assert_fails(result, "loose vertices")
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--radius", 90], "--radius does"),
        (["--centre", "0,0,0", "--keep-cavities"], "--centre and --keep-cavities does"),
    ],
)
def test_a_disc_is_not_cut(options, named, tmp_path):
    out = tmp_path / "out.npz"
    result = build(tmp_path, "--kind", "meshes", "--region", "disc", *options, "--out", out)
    assert_fails(result, f"{named} not go with --region disc")
    assert not out.exists()
