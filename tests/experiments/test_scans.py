"""Scans of a synthetic head, whose pose, size and shape are known."""

import json
import sys

import cv2
import experiment
import numpy as np
import pytest
import scan_tables
import scans
from head_scans import MENPO_ORDER, in_our_order, read_scans, upright
from scan_pictures import SIZE, in_picture, picture_of, turn
from surface_fit import Placement, fit_surface

from keras_3dmmstn.mesh.head_pose import head_pose
from keras_3dmmstn.mesh.landmark_sets import NOSE_TIP
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.faces_with_labels import normaliser_that_says

RED, BLUE = (220, 30, 30), (30, 30, 220)
POSE = Placement(1.0, turn(9, -6), np.array([30.0, -20.0, 50.0]))
ALPHA = np.array([0.8, -0.6, 0.7, 0.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def model():
    return toy_grid_model((24, 24))


def write_scan(path, model, placement=POSE, alpha=0 * ALPHA, landmarks=True):
    """Writes a scan of a face on shoulders, red on the left of the image and blue on the right."""
    rows, columns = model.grid_shape
    face = model.shape(alpha).astype(float)
    shoulders = [(-150, 270, 60), (0, 230, 60), (150, 270, 60)]
    row, column = np.indices(model.grid_shape)
    uv = np.stack([column / (columns - 1), 1 - row / (rows - 1)], axis=-1).reshape(-1, 2)
    to_file = [1, -1, -1]
    arrays = {
        "vertices": placement.placed(np.concatenate([face, shoulders])) * to_file,
        "triangles": np.concatenate([model.triangles, len(face) + np.array([[0, 2, 1]])]),
        "uv": np.concatenate([uv, np.full((3, 2), 0.5)]),
    }
    if landmarks:
        marks = face[model.landmarks["ibug68"]]
        arrays["landmarks68"] = placement.placed(marks) * to_file
    np.savez(path.with_suffix(".npz"), **arrays)
    texture = np.full((64, 64, 3), RED, np.uint8)
    texture[:, 32:] = BLUE
    cv2.imwrite(str(path.with_suffix(".jpg")), texture[..., ::-1])


def only_scan(folder, model, **others):
    write_scan(folder / "head", model, **others)
    (scan,) = read_scans(folder)
    return scan


def test_a_scan_is_brought_back_to_where_its_face_looks_straight_ahead(tmp_path, model):
    scan, points = upright(only_scan(tmp_path, model), model)
    face = scan.vertices[: len(model.mean)]
    np.testing.assert_allclose(face, model.mean, atol=0.05)
    np.testing.assert_allclose(scan.landmarks, face[model.landmarks["ibug68"]], atol=1e-6)
    assert len(points) > 1000 and points[:, 1].max() < model.mean[:, 1].max()


def test_a_scan_without_points_gets_the_size_of_the_mean_face_and_its_points(tmp_path, model):
    inches = Placement(1 / 25.4, turn(4, 3), np.array([1.0, 2.0, 3.0]))
    read = only_scan(tmp_path, model, placement=inches, landmarks=False)
    assert not read.measured and read.landmarks is None
    scan, _ = upright(read, model)
    np.testing.assert_allclose(scan.vertices[: len(model.mean)], model.mean, atol=0.5)
    marks = model.mean[model.landmarks["ibug68"]]
    np.testing.assert_allclose(scan.landmarks, marks, atol=0.5)


def test_a_larger_face_in_millimetres_stays_as_large(tmp_path, model):
    large = Placement(1.1, turn(-12, 5), np.zeros(3))
    scan, _ = upright(only_scan(tmp_path, model, placement=large), model)
    face = scan.vertices[: len(model.mean)]
    np.testing.assert_allclose(np.ptp(face, axis=0), 1.1 * np.ptp(model.mean, axis=0), rtol=0.01)


def test_points_in_the_order_of_menpo3d_are_known_as_such(model):
    marks = model.mean[model.landmarks["ibug68"]].astype(float)
    menpo = np.empty_like(marks)
    menpo[MENPO_ORDER] = marks
    assert sorted(MENPO_ORDER) == list(range(68))
    for given in (marks, menpo):
        np.testing.assert_array_equal(in_our_order(given, marks), marks)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (50, 0), (-90, 15), (20, -15)])
def test_a_head_is_turned_by_the_angles_that_the_package_reads(yaw, pitch):
    np.testing.assert_allclose(head_pose(turn(yaw, pitch)), (yaw, pitch, 0), atol=1e-5)


def test_pictures_are_neither_mirrored_nor_upside_down(tmp_path, model):
    scan, _ = upright(only_scan(tmp_path, model), model)
    straight = picture_of(scan, turn(0, 0)).astype(int)
    reddish = straight[..., 0] - straight[..., 2] > 60
    bluish = straight[..., 2] - straight[..., 0] > 60
    assert np.nonzero(reddish)[1].max() <= np.nonzero(bluish)[1].min() + 2
    nose, chin = (in_picture(scan.landmarks[[point]], turn(0, 0))[0] for point in (NOSE_TIP, 8))
    assert chin[1] > nose[1] + 30  # y points down
    assert abs(nose[0] - SIZE / 2) < 3

    # Who looks to the right of the image shows the left side, who looks up a raised nose.
    turned = picture_of(scan, turn(60, 0)).astype(int)
    left_side = turned[..., 0] - turned[..., 2] > 60
    assert left_side.sum() > 3 * (turned[..., 2] - turned[..., 0] > 60).sum()
    assert in_picture(scan.landmarks, turn(60, 0))[NOSE_TIP, 0] > nose[0] + 20
    assert in_picture(scan.landmarks, turn(0, 15))[NOSE_TIP, 1] < nose[1] - 10


def inner_points(model, shape):
    return shape[np.arange(len(shape)).reshape(model.grid_shape)[2:-2, 2:-2].ravel()]


def test_a_model_is_fitted_to_a_surface(model):
    points = inner_points(model, POSE.placed(model.shape(ALPHA).astype(float)))
    start = Placement(1.0, turn(5, 0), POSE.shift + 3)
    mean, fit = (
        fit_surface(points, model.mean, model.triangles, basis, start=start, rigid=True)
        for basis in (None, model.basis)
    )
    np.testing.assert_allclose(fit.coefficients[:3], ALPHA[:3], atol=0.15)
    np.testing.assert_allclose(fit.placement.rotation, POSE.rotation, atol=0.02)
    assert fit.placement.scale == mean.placement.scale == 1
    assert fit.distance < 0.05 and mean.distance > 10 * fit.distance


def test_a_face_is_brought_onto_a_larger_copy(model):
    truth = Placement(1.3, POSE.rotation, POSE.shift)
    points = inner_points(model, truth.placed(model.mean.astype(float)))
    fit = fit_surface(
        points, model.mean, model.triangles, start=Placement(1.2, np.eye(3), POSE.shift)
    )
    assert fit.placement.scale == pytest.approx(1.3, abs=1e-3)
    np.testing.assert_allclose(fit.placement.rotation, truth.rotation, atol=1e-3)
    np.testing.assert_allclose(fit.placement.shift, truth.shift, atol=0.05)
    assert fit.distance < 1e-3


def test_underestimates_have_the_sign_of_the_side():
    poses = [(30, 25), (-30, -28), (0, 4), (-90, 178), (60, 63)]
    poses = [{"yaw": yaw, "fitted_yaw": fitted} for yaw, fitted in poses]
    true, error, less = scan_tables.yaw_errors(poses)
    np.testing.assert_array_equal(true, [30, 30, 0, 90, 60])
    np.testing.assert_array_equal(error, [5, 2, 4, 92, 3])
    np.testing.assert_array_equal(less, [5, 2, np.nan, -92, -3])


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs the command with few pictures and a network that says the same of each."""
    normaliser = normaliser_that_says((0, 1, 0))
    monkeypatch.setattr(scans.Normaliser, "pretrained", lambda: normaliser)
    monkeypatch.setattr(experiment, "RECORDED", tmp_path / "recorded")
    monkeypatch.setattr(experiment, "UNRECORDED", tmp_path / "build")
    monkeypatch.setattr(scans, "PAGE", tmp_path / "depth.md")
    monkeypatch.setattr(scans, "YAWS", (-90, 0, 45))
    monkeypatch.setattr(scans, "PITCHES", (0,))

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["scans.py", str(tmp_path), *words])
        scans.main()
        return normaliser

    return run


def test_the_command_measures_yaw_and_depth(command, tmp_path, model, capsys):
    write_scan(tmp_path / "ann", model, alpha=ALPHA)
    write_scan(tmp_path / "bare", model)
    (tmp_path / "bare.jpg").unlink()
    (tmp_path / "depth.md").write_text(f"# Depth\n\n{scan_tables.HEADING}\n\nold\n")
    normaliser = command("--record")
    result = json.loads((tmp_path / "recorded/scans.json").read_text())
    assert list(result) == ["ann"]  # the other one has no texture
    (face,) = normaliser(np.zeros((99, 99, 3), np.uint8), [[20, 20, 80, 80]])
    assert abs(face.pose.yaw) > 1
    assert [pose["yaw"] for pose in result["ann"]["poses"]] == [-90, 0, 45]
    for pose in result["ann"]["poses"]:
        assert pose["fitted_yaw"] == pytest.approx(face.pose.yaw, abs=1e-4)
    for distances in result["ann"]["depth"].values():
        # The network says the mean face of all pictures.
        mean = distances["mean face"]
        assert distances["from the picture at yaw 45°"] == pytest.approx(mean, abs=1e-3)
        assert distances["model fitted to the scan"] < 0.2 * mean
    assert abs(result["ann"]["zeros"]["plane of symmetry"][0]) < 1

    tables = scan_tables.as_tables(result)
    assert (tmp_path / "depth.md").read_text() == f"# Depth\n\n{scan_tables.HEADING}\n\n{tables}\n"
    assert tables in capsys.readouterr().out
    sheet = cv2.imread(str(tmp_path / "build/scans.jpg"))
    assert sheet.shape[1] > 3 * 250  # three pictures in a row
    assert [path.name for path in (tmp_path / "recorded").iterdir()] == ["scans.json"]


def test_the_sheet_can_be_left_out(command, tmp_path, model):
    write_scan(tmp_path / "ann", model)
    command("--no-sheet")
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["scans.json"]


def test_a_folder_without_scans_is_an_error(command, tmp_path, capsys):
    with pytest.raises(SystemExit):
        command()
    assert "no scan with a texture" in capsys.readouterr().err


def test_the_page_has_the_recorded_tables():
    recorded = experiment.read_results(experiment.RECORDED / "scans.json")
    page = scans.PAGE.read_text(encoding="utf-8")
    assert page.endswith(f"{scan_tables.HEADING}\n\n{scan_tables.as_tables(recorded)}\n")
