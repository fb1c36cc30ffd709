"""The command line for face models, run as a user runs it."""

import builtins
import dataclasses

import cv2
import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from keras_3dmmstn import GridModel, TrainingModel, spatial_transformer
from keras_3dmmstn.cli.face_model_commands import app
from keras_3dmmstn.network import losses
from tests.support.face_meshes import (
    toy_face,
    with_eyeballs,
    with_holes,
    without_symmetry,
)
from tests.support.paths import published_model


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A head with holes, eyeballs and no symmetry, as a file."""
    path = tmp_path_factory.mktemp("models") / "head.npz"
    with_eyeballs(with_holes(without_symmetry(toy_face()))).save(path)
    return path


@pytest.fixture(scope="module")
def model(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("built") / "model.npz"
    result = run("build", source, "--kind", "npz", "--grid", 48, "--out", path)
    assert result.exit_code == 0, result.output
    return path


def assert_fails(result, *texts):
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    for text in texts:
        assert text in result.output


def test_build_writes_a_grid_model_and_prints_its_quality(source, tmp_path):
    out = tmp_path / "model.npz"
    result = run("build", source, "--kind", "npz", "--grid", 32, "--out", out)
    assert result.exit_code == 0, result.output
    for text in ("32 x 32", "6 modes", "flipped triangles", "angle distortion", "mirror error"):
        assert text in result.output
    built = GridModel.load(out)
    assert built.grid_shape == (32, 32)
    assert set(built.landmarks) == {"ibug68", "aflw21"}
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_build_keeps_as_many_modes_as_asked_for(source, tmp_path):
    out = tmp_path / "model.npz"
    run("build", source, "--kind", "npz", "--out", out, "--identity", 2, "--expression", 1)
    built = GridModel.load(out)
    assert (built.identity_count, built.modes) == (2, 3)


def test_the_options_steer_the_cut(source, tmp_path):
    widths = {}
    for name, options in {
        "all": ["--region", "all"],
        "small": ["--region", "radius", "--radius", 96, "--centre", "0,0,-20"],
    }.items():
        out = tmp_path / f"{name}.npz"
        result = run("build", source, "--kind", "npz", "--grid", 32, "--out", out, *options)
        assert result.exit_code == 0, result.output
        widths[name] = np.ptp(GridModel.load(out).mean[:, 1])
    assert widths["small"] < widths["all"]


def test_landmarks_come_from_another_model(source, tmp_path):
    bare = tmp_path / "bare.npz"
    dataclasses.replace(toy_face(), landmarks={}).save(bare)
    out = tmp_path / "model.npz"
    result = run("build", bare, "--kind", "npz", "--out", out, "--landmarks-from", source)
    assert result.exit_code == 0, result.output
    away = GridModel.load(out)
    points = away.mean[away.landmarks["ibug68"]] - toy_face().mean[toy_face().landmarks["ibug68"]]
    assert np.median(np.linalg.norm(points, axis=1)) < 4


def test_inspect_prints_size_distortion_symmetry_and_landmarks(model):
    result = run("inspect", model)
    assert result.exit_code == 0, result.output
    for text in (
        "48 x 48",
        "3 identity, 3 expression",
        "flipped triangles",
        "grid taken by mouth",
        "landmarks ibug68",
        "68 points",
        "mm",
    ):
        assert text in result.output


def test_render_draws_mean_modes_geometry_image_and_layout(model, tmp_path):
    result = run("render", model, "--out", tmp_path / "pictures")
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {"mean.png", "modes.png", "geometry_image.png", "layout.png"}
    for name in names:
        assert name in result.output
        assert cv2.imread(str(tmp_path / "pictures" / name)).std() > 5
    modes = cv2.imread(str(tmp_path / "pictures" / "modes.png"))
    assert modes.shape[0] == 6 * 256
    front, moved = modes[:256, :256], modes[:256, 256:512]
    assert (front != moved).any(), "−2.5 and +2.5 differ"


def test_the_layout_shows_the_landmarks_where_they_are(model, tmp_path):
    run("render", model, "--out", tmp_path)
    layout = cv2.imread(str(tmp_path / "layout.png"))[..., ::-1].astype(int)
    grid = GridModel.load(model)
    row, column = np.divmod(grid.landmarks["ibug68"], 48)
    x, y = np.round(column * 895 / 47).astype(int), np.round(row * 895 / 47).astype(int)
    red = layout[y, x, 0] - layout[y, x, 1:].max(axis=1)
    assert (red > 100)[17:].mean() > 0.6  # aflw21 is drawn over some


def test_samples_are_random_faces_that_a_seed_repeats(model, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    for folder in ("a", "b"):
        result = run("sample", model, "--count", 2, "--seed", 3, "--out", tmp_path / folder)
        assert result.exit_code == 0, result.output
    first, second = sorted((tmp_path / "a").iterdir())
    assert first.read_bytes() == (tmp_path / "b" / first.name).read_bytes()
    assert first.read_bytes() != second.read_bytes()
    mesh = trimesh.load(first, force="mesh")
    grid = GridModel.load(model)
    assert len(mesh.vertices) == len(grid.mean)
    # Metres, y up, looking to +z: the nose is in front.
    nose = mesh.vertices[grid.landmarks["ibug68"][30]]
    assert nose[2] > np.median(mesh.vertices[:, 2]) and np.ptp(mesh.vertices[:, 1]) < 0.25
    assert mesh.vertices[grid.landmarks["ibug68"][8]][1] < nose[1]


def test_samples_without_trimesh_name_the_command(model, tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without_trimesh(name, *arguments, **options):
        if name == "trimesh":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_trimesh)
    result = run("sample", model, "--out", tmp_path)
    assert_fails(result, 'pip install "keras-3dmmstn[viz]"')


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
    result = run("build", source, "--out", tmp_path / "out.npz", *options)
    assert_fails(result, text)
    assert not list(tmp_path.iterdir())


def test_a_missing_source_is_named(tmp_path):
    for kind in ("npz", "tddfa", "ict"):
        result = run("build", tmp_path / "no", "--kind", kind, "--out", tmp_path / "out.npz")
        assert_fails(result, "no")
    for command in ("inspect", "render", "sample"):
        options = [] if command == "inspect" else ["--out", tmp_path / "o"]
        assert_fails(run(command, tmp_path / "no.npz", *options), "no.npz")


def test_a_folder_that_cannot_be_made_is_named(model, source, tmp_path):
    (tmp_path / "file").write_text("")
    assert_fails(run("render", model, "--out", tmp_path / "file"), "file")
    assert_fails(run("sample", model, "--out", tmp_path / "file"), "file")
    out = tmp_path / "missing" / "model.npz"
    assert_fails(run("build", source, "--kind", "npz", "--out", out), "missing")


def test_a_damaged_model_is_named(model, tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(model.read_bytes()[:-500])
    assert_fails(run("inspect", broken), "broken.npz")


def overfit_error(grid_model, steps=150):
    """Trains the network on two photographs of noise; returns the landmark error in pixels."""
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(8, 5, strides=4, activation="relu"),
            keras.layers.Flatten(),
        ]
    )
    model = spatial_transformer(grid_model, backbone, image_size=64)
    trainer = TrainingModel(model)
    trainer.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        loss={"landmarks": losses.LandmarkLoss(normalise=True)},
        metrics={"landmarks": losses.LandmarkError()},
        jit_compile=False,
    )
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 64, 64, 3)).astype("float32")
    labels = []
    for angle in (-0.3, 0.25):
        turn = cv2.Rodrigues(np.array([0.1, angle, 0.1]))[0]
        points = grid_model.shape(0.5 * rng.normal(size=grid_model.modes)) @ turn.T
        points = 0.2 * points[grid_model.landmarks["ibug68"], :2] + 32
        labels.append(np.concatenate([points, np.ones((68, 1))], axis=1))
    labels = {"landmarks": np.stack(labels).astype("float32")}
    trainer.fit(images, labels, batch_size=2, epochs=steps, verbose=0, shuffle=False)
    return trainer.evaluate(images, labels, return_dict=True, verbose=0)["pixels"]


@pytest.mark.slow
def test_a_built_model_goes_into_the_network_and_learns_two_photographs(model):
    assert overfit_error(GridModel.load(model)) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "path"),
    [("tddfa", "bfm_3ddfa_53215.npz"), ("ict", "ict/FaceXModel"), ("surrey", "sfm")],
)
def test_published_models_go_into_the_network_and_learn_two_photographs(kind, path, tmp_path):
    if kind == "surrey":
        pytest.importorskip("eos")
    out = tmp_path / "model.npz"
    result = run("build", published_model(path), "--kind", kind, "--out", out)
    assert result.exit_code == 0, result.output
    assert overfit_error(GridModel.load(out)) < 0.5
