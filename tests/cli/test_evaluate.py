"""`keras-3dmmstn evaluate`, run as a user runs it."""

import dataclasses
import json

import cv2
import numpy as np
import pytest

from keras_3dmmstn.export.mobile.tflite import export_tflite
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.training.data.labelled_faces import held_out
from keras_3dmmstn.training.data.readers.aflw2000 import read_aflw2000
from keras_3dmmstn.training.data.readers.cfp import IMAGE_LEFT_POINTS
from tests.support.command_line import run
from tests.support.face_folders import write_aflw2000, write_cfp
from tests.support.faces_with_labels import mean_face_points, normaliser_that_says


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says()


@pytest.fixture(scope="module")
def weights(normaliser, tmp_path_factory):
    """A folder with a localiser that always says: the unturned mean face."""
    folder = tmp_path_factory.mktemp("weights")
    normaliser.save(folder)
    return folder


def evaluate(*arguments):
    return run("evaluate", *arguments)


def write_300w(folder, points):
    """Writes a black photograph with points `(68, 2)`, counted from 0, as 300-W has them."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "image_0.jpg"), np.zeros((200, 240, 3), np.uint8))
    lines = "\n".join(f"{x} {y}" for x, y in points + 1)
    (folder / "image_0.pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")
    return folder


def numbers_of(path):
    return json.loads(path.read_text())


@pytest.fixture
def folder(normaliser, tmp_path):
    """A face whose labels are the predictions, but for an inner point 5 pixels off."""
    points = mean_face_points(normaliser)
    points[30] += [3, 4]
    return write_300w(tmp_path / "labelled", points)


def percent_of_five_pixels(normaliser):
    points = mean_face_points(normaliser)
    return 100 * 5 / np.sqrt(np.prod(np.ptp(points, axis=0)))


@pytest.mark.parametrize(("given", "looks"), [([], 2), (["--looks", "1"], 1)])
def test_faces_are_seen_as_often_as_asked(given, looks, folder, weights, tmp_path, monkeypatch):
    fit_framed, seen = Normaliser.fit_framed, []
    monkeypatch.setattr(
        Normaliser,
        "fit_framed",
        lambda one, *faces: seen.append(one.looks) or fit_framed(one, *faces),
    )
    out = tmp_path / "result.json"
    result = evaluate(folder, "--weights", weights, "--json", out, *given)
    assert result.exit_code == 0, result.output
    assert set(seen) == {looks} and numbers_of(out)["settings"]["looks"] == looks
    assert evaluate(folder, "--weights", weights, "--looks", "3").exit_code == 2


def test_the_error_is_printed_in_percent_of_the_box(folder, weights, normaliser):
    result = evaluate(folder, "--weights", weights)
    assert result.exit_code == 0, result.output
    percent = percent_of_five_pixels(normaliser)
    assert f"{folder}: 1 faces" in result.output.replace("\n", "")
    (inner,) = (line for line in result.output.splitlines() if "51 inner points" in line)
    assert f" {percent / 51:.2f} " in inner
    (every,) = (line for line in result.output.splitlines() if "68 points" in line)
    assert f" {percent / 68:.2f} " in every
    for part in ("failures (over 10 %): 0.00 %", "cumulative curve", "|yaw| (fitted)", "ibug68 65"):
        assert part in result.output, part


def test_all_numbers_go_to_json_with_settings_and_versions(folder, weights, normaliser, tmp_path):
    path = tmp_path / "new" / "numbers.json"
    options = ("--json", path, "--threshold", 0.05, "--seed", 7, "--box-noise", 0.05)
    result = evaluate(folder, "--weights", weights, *options)
    assert result.exit_code == 0, result.output
    numbers = numbers_of(path)
    assert numbers["settings"] == {
        "weights": str(weights),
        "threshold_percent": 0.05,
        "box_noise": 0.05,
        "estimate_boxes": False,
        "anywhere": False,
        "balanced": False,
        "held_out": None,
        "subjects": None,
        "looks": 2,
        "seed": 7,
    }
    assert "tensorflow" in numbers["versions"]
    (data,) = numbers["data"]
    assert data["folder"] == str(folder) and data["failure_rate"] == 1
    percent = percent_of_five_pixels(normaliser)
    # float32 points, and labels of 300-W that are counted from 1, leave 0.001 %.
    assert data["landmarks"][30]["percent"] == pytest.approx(percent, abs=2e-3)


def test_several_folders_have_pictures_and_numbers_of_their_own(folder, weights, tmp_path):
    out = tmp_path / "out"
    result = evaluate(folder, folder, "--weights", weights, "--out", out)
    assert result.exit_code == 0, result.output
    other = write_300w(tmp_path / "other", np.random.default_rng(0).uniform(50, 150, (68, 2)))
    result = evaluate(folder, other, "--weights", weights, "--out", out)
    assert result.exit_code == 0, result.output
    names = {path.name for path in out.iterdir()}
    assert {"cumulative_curve.png", "labelled_worst.jpg", "other_textures.jpg"} <= names
    assert str(out / "other_landmarks.png") in result.output.replace("\n", "")


def test_the_first_folder_may_be_the_weights(folder, weights, tmp_path):
    named = evaluate(folder, "--weights", weights, "--json", tmp_path / "named.json")
    first = evaluate(weights, folder, "--json", tmp_path / "first.json")
    assert named.exit_code == first.exit_code == 0
    assert numbers_of(tmp_path / "named.json") == numbers_of(tmp_path / "first.json")
    result = evaluate(weights)
    assert result.exit_code == 1 and "labelled photographs after the weights" in result.output


def test_an_exported_network_is_measured_like_the_weights(folder, normaliser, weights, tmp_path):
    exported = export_tflite(normaliser, tmp_path / "face.tflite")
    options = ("--face-model", weights / "face_model.npz")
    results = ("--json", tmp_path / "numbers.json", "--out", tmp_path / "pictures")
    result = evaluate(exported, folder, *options, *results)
    assert result.exit_code == 0, result.output
    (data,) = numbers_of(tmp_path / "numbers.json")["data"]
    expected = percent_of_five_pixels(normaliser) / 68
    assert data["points"]["68 points"]["percent"]["mean"] == pytest.approx(expected, rel=1e-3)

    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    parts = ("landmarks.png", "worst.jpg", "median.jpg", "textures.jpg")
    assert names == {"cumulative_curve.png", *(f"labelled_{part}" for part in parts)}

    refused = evaluate(exported, folder)
    assert refused.exit_code == 1 and "exported with the face model" in refused.output
    refused = evaluate(folder, "--weights", weights, *options)
    assert refused.exit_code == 1 and "--face-model goes with" in refused.output


def test_aflw2000_is_measured_with_a_fixed_jaw_and_its_labelled_yaw(tmp_path, rng):
    turned = normaliser_that_says((0, 2, 0.2))
    turned.save(tmp_path / "weights")
    # Labels: any first, then what is predicted from their box, with the jaw's own vertices; the
    # box of labels is kept by its corners, of which the error is known.
    points = rng.uniform(60, 150, (3, 68, 2))
    three_rows = np.concatenate([points + 1, np.zeros((3, 68, 1))], axis=2).transpose(0, 2, 1)
    folder = write_aflw2000(tmp_path / "AFLW2000", three_rows, np.radians([10, -40, 75]))
    path = tmp_path / "numbers.json"
    result = evaluate(folder, "--weights", tmp_path / "weights", "--json", path)
    assert result.exit_code == 0, result.output
    (data,) = numbers_of(path)["data"]
    yaw = data["yaw_bins"]
    assert yaw["source"] == "labelled" and [row["faces"] for row in yaw["bins"]] == [1, 1, 1]

    vertices = turned.grid_model.landmarks["ibug68"]
    expected = []
    for number, labels in enumerate(points.astype(np.float32).astype(float)):
        box = np.concatenate([labels.min(axis=0), labels.max(axis=0)])
        (face,) = turned(folder / f"image{number + 2:05d}.jpg", [box])
        distance = np.linalg.norm(face.points[vertices] - labels, axis=1).mean()
        expected.append(100 * distance / np.sqrt(np.prod(box[2:] - box[:2])))
    np.testing.assert_allclose([row["percent"] for row in yaw["bins"]], expected, rtol=1e-4)
    assert yaw["unweighted_mean"]["percent"] == pytest.approx(np.mean(expected), rel=1e-4)


def test_a_balanced_subset_may_be_asked_for(weights, tmp_path, rng):
    points = rng.uniform(60, 150, (5, 3, 68))
    folder = write_aflw2000(tmp_path / "AFLW2000", points, np.radians([10, -40, 75, 5, 50]))
    path = tmp_path / "numbers.json"
    result = evaluate(folder, "--weights", weights, "--json", path, "--balanced")
    assert result.exit_code == 0, result.output
    bins = numbers_of(path)["data"][0]["yaw_bins"]["bins"]
    assert [row["faces"] for row in bins] == [1, 1, 1]


@pytest.mark.parametrize("option", ["--held-out", "--left-out"])
def test_only_faces_that_were_held_out_of_training_may_be_measured(option, weights, tmp_path, rng):
    points = rng.uniform(60, 150, (12, 3, 68))
    folder = write_aflw2000(tmp_path / "AFLW2000", points, np.zeros(12))
    expected = held_out(read_aflw2000(folder), 3).sum()
    path = tmp_path / "numbers.json"
    result = evaluate(folder, "--weights", weights, "--json", path, option, 3)
    assert result.exit_code == 0, result.output
    assert 0 < expected < 12
    assert numbers_of(path)["data"][0]["faces"] == expected
    assert numbers_of(path)["settings"]["held_out"] == 3


def test_only_some_people_may_be_measured(normaliser, weights, tmp_path):
    points = mean_face_points(normaliser)[list(IMAGE_LEFT_POINTS)]
    rows = [(f"{person}.jpg", person, "profile", 1, points) for person in (300, 301, 350)]
    folder, path = write_cfp(tmp_path / "cfp", rows), tmp_path / "numbers.json"
    options = ("--weights", weights, "--json", path, "--subjects")
    result = evaluate(folder, *options, "301-350")
    assert result.exit_code == 0, result.output
    numbers = numbers_of(path)
    assert numbers["settings"]["subjects"] == "301-350"
    measured = [face["name"].split("/")[-1] for face in numbers["data"][0]["per_face"]]
    assert measured == ["301.jpg, line 3", "350.jpg, line 4"]
    result = evaluate(folder, *options, "351-400")
    assert result.exit_code == 1 and "received subjects 300 to 350" in result.output


def test_a_balanced_subset_needs_labelled_yaw(folder, weights):
    result = evaluate(folder, "--weights", weights, "--balanced")
    assert result.exit_code == 1 and "for a balanced subset" in result.output
    assert str(folder) in result.output.replace("\n", "")


def test_boxes_may_be_estimated_from_few_points(normaliser, weights, tmp_path):
    # Of a face of the bundled model, whose proportions the estimate assumes, the inner points.
    from keras_3dmmstn.mesh import GridModel

    model = GridModel.bundled()
    points = model.mean[model.landmarks["ibug68"], :2] * 0.6 + 110
    kept = points.copy()
    kept[:17] = np.nan
    path = tmp_path / "numbers.json"
    errors = {}
    for name, labels, options in (
        ("all", points, ()),
        ("inner", kept, ()),
        ("estimated", kept, ("--estimate-boxes",)),
    ):
        folder = write_csv(tmp_path / name, labels)
        result = evaluate(folder, "--weights", weights, "--json", path, *options)
        assert result.exit_code == 0, result.output
        numbers = numbers_of(path)
        assert numbers["settings"]["estimate_boxes"] == bool(options)
        inner = numbers["data"][0]["points"]["51 inner points"]["percent"]["mean"]
        errors[name] = inner * np.sqrt(np.prod(np.ptp(labels[np.isfinite(labels[:, 0])], axis=0)))
    # In pixels, the estimated box does as well as the box of all points; the small one does not.
    assert abs(errors["estimated"] - errors["all"]) < 0.2 * abs(errors["inner"] - errors["all"])


def test_boxes_of_five_points_are_estimated_without_being_asked_for(weights, tmp_path):
    from keras_3dmmstn.mesh import GridModel

    model = GridModel.bundled()
    points = model.mean[model.landmarks["ibug68"], :2] * 0.6 + 110
    five = np.full_like(points, np.nan)
    five[[36, 45, 30, 48, 54]] = points[[36, 45, 30, 48, 54]]
    folder, path = write_csv(tmp_path / "five", five), tmp_path / "numbers.json"
    means = []
    for options in ((), ("--estimate-boxes",)):
        result = evaluate(folder, "--weights", weights, "--json", path, *options)
        assert result.exit_code == 0, result.output
        assert ("more than 5 labelled points" in result.output) == (not options)
        means.append(numbers_of(path)["data"][0]["points"]["51 inner points"]["percent"]["mean"])
    assert means[0] == means[1]


def write_csv(folder, points):
    (folder / "images").mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "one.png"), np.zeros((240, 240, 3), np.uint8))
    columns = ["image", "subject"] + [f"{a}{n}" for n in range(68) for a in "xy"]
    row = ["one.png", "someone"] + [str(value) for value in points.ravel()]
    (folder / "landmarks.csv").write_text(",".join(columns) + "\n" + ",".join(row) + "\n")
    return folder


def test_a_photograph_that_is_skipped_is_named(folder, weights, tmp_path):
    (folder / "image_1.jpg").write_bytes(b"no image")
    (folder / "image_1.pts").write_text((folder / "image_0.pts").read_text())
    (folder / "image_2.pts").write_text("")
    result = evaluate(folder, "--weights", weights)
    assert result.exit_code == 0, result.output
    assert "1 faces, 2 skipped" in result.output
    assert "image_1.jpg: expected an image" in result.output.replace("\n", "")
    assert "image_2.pts: expected 68 points, received 0" in result.output.replace("\n", "")


def test_a_folder_without_labels_is_named(weights, tmp_path):
    (tmp_path / "empty").mkdir()
    result = evaluate(tmp_path / "empty", "--weights", weights)
    assert result.exit_code == 1 and str(tmp_path / "empty") in result.output.replace("\n", "")


def test_missing_weights_are_named(folder, tmp_path):
    result = evaluate(folder, "--weights", tmp_path)
    assert result.exit_code == 1 and "localiser.keras" in result.output


def test_a_face_model_without_the_landmarks_is_named(folder, normaliser, tmp_path):
    landmarks = {"aflw21": normaliser.grid_model.landmarks["aflw21"]}
    model = dataclasses.replace(normaliser.grid_model, landmarks=landmarks)
    Normaliser(normaliser.localiser, model).save(tmp_path / "other")
    result = evaluate(folder, "--weights", tmp_path / "other")
    assert result.exit_code == 1 and "landmarks ibug68, received one with aflw21" in result.output


@pytest.mark.parametrize("option", ["--json", "--out"])
def test_a_place_that_cannot_be_written_to_is_named(option, folder, weights, tmp_path):
    (tmp_path / "file").write_text("a file, not a folder")
    result = evaluate(folder, "--weights", weights, option, tmp_path / "file" / "below")
    assert result.exit_code == 1 and "file" in result.output
    assert not isinstance(result.exception, OSError)
