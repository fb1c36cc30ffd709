"""What `textures.py` says of a face whose fit is known."""

import numpy as np
import pytest
import textures
from identity_pairs import IdentityPairs

from tests.support.faces_with_labels import (
    BOX,
    mean_face_points,
    normaliser_that_says,
    write_photographs,
)


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says()


def write_300w(folder, points):
    for path, face in zip(write_photographs(folder, len(points)), points, strict=True):
        lines = "\n".join(f"{x} {y}" for x, y in face + 1)
        path.with_suffix(".pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")


def test_labels_where_the_fit_has_its_points_do_not_scatter(normaliser, tmp_path, capsys):
    points = mean_face_points(normaliser)
    write_300w(tmp_path, np.stack([points, points, points]))
    result = textures.measure_labels(normaliser, tmp_path, None)
    assert result["photographs"] == 3 and result["left_out"] < 0.3
    inner = [point["rms"] for point in result["points"][17:]]
    assert max(inner) < 0.05
    assert result["background"]["all"]["photographs"] == 3
    assert result["background"]["0–20°"] == result["background"]["all"]
    assert "3 photographs" in capsys.readouterr().out


def test_a_label_that_moves_scatters(normaliser, tmp_path):
    points = mean_face_points(normaliser)
    moved = points.copy()
    moved[30] = points.mean(axis=0)
    write_300w(tmp_path, np.stack([points, moved]))
    described = textures.measure_labels(normaliser, tmp_path, None)["points"]
    assert described[30]["rms"] > 2 and described[33]["rms"] < 0.05


def test_a_label_off_the_face_is_left_out(normaliser, tmp_path):
    points = mean_face_points(normaliser)
    off = points.copy()
    off[4] = points[:, 0].min(), points[:, 1].max()  # a corner of the box
    write_300w(tmp_path, np.stack([points, off]))
    result = textures.measure_labels(normaliser, tmp_path, None)
    assert result["points"][4]["photographs"] == 1 and result["points"][8]["photographs"] == 2


def test_the_same_picture_is_the_same_person(normaliser, tmp_path, capsys):
    paths = write_photographs(tmp_path, 3)
    people = IdentityPairs(
        (*paths, paths[0]),
        np.stack([BOX] * 4),
        1,
        {"faces": np.array([(0, 3), (0, 1), (1, 2)])},
        {"faces": np.array([True, False, False])},
    )
    result = textures.measure_pairs(normaliser, people, None)["faces"]
    assert (result["same_pairs"], result["different_pairs"]) == (1, 2)
    difference = result["difference"]
    assert difference["same_texels"] == difference["same_area"] == pytest.approx(0, abs=1e-3)
    assert difference["different_texels"] > 10
    assert len(result["verification"]) == 4
    assert all(v["auc"] == 100 for v in result["verification"].values())
    assert "1 + 2 pairs" in capsys.readouterr().out
