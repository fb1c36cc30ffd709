import numpy as np
import pytest

from keras_3dmmstn.mesh.feature_layout import feature_layout
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.landmark_sets import MIRROR

# The basis is stored as float16: 11 bits of offsets that stay below 32 mm.
STORED_PRECISION = 32 * 2.0**-11  # mm


@pytest.fixture(scope="module")
def face():
    return GridModel.bundled()


def at(face, landmark_set, *landmarks):
    """Mean of some landmarks of the mean face."""
    return face.mean[face.landmarks[landmark_set][list(landmarks)]].mean(axis=0)


def test_has_identity_and_expression_modes_on_the_default_grid(face):
    assert face.grid_shape == (112, 112)
    assert face.identity_count == 40
    assert face.modes == 64


def test_is_an_adult_in_millimetres(face):
    pupils_apart = at(face, "aflw21", 10) - at(face, "aflw21", 7)
    assert 55 < pupils_apart[0] < 70
    width, height, depth = np.ptp(face.mean, axis=0)
    assert 130 < width < 170
    assert 160 < height < 220
    assert 80 < depth < 150


def test_is_upright_and_looks_at_the_viewer(face):
    brows, nose_tip, chin = (at(face, "ibug68", *k) for k in ([19, 24], [30], [8]))
    assert brows[1] < nose_tip[1] < chin[1]
    assert nose_tip[2] == pytest.approx(face.mean[:, 2].min(), abs=2)
    assert face.mean.reshape(112, 112, 3)[0, :, 1].mean() < brows[1]


def test_triangles_face_outwards(face):
    corners = face.mean[face.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    outwards = np.sum(normals * (corners.mean(axis=1) - [0, 40, 60]), axis=1) > 0
    assert area[outwards].sum() / area.sum() > 0.97


def test_left_half_mirrors_right_half(face):
    reflected = face.mean[face.mirror] * [-1, 1, 1]
    np.testing.assert_allclose(face.mean, reflected, atol=1e-4)


def test_each_mode_is_symmetric_or_antisymmetric(face):
    reflected = face.basis[:, face.mirror] * np.array([-1, 1, 1], "float32")
    even = np.abs(face.basis - reflected).max(axis=(1, 2))
    odd = np.abs(face.basis + reflected).max(axis=(1, 2))
    assert np.all(np.minimum(even, odd) < 2 * STORED_PRECISION)
    assert np.all(even[: face.identity_count] < 2 * STORED_PRECISION)
    assert np.any(odd[face.identity_count :] < 2 * STORED_PRECISION)


def test_modes_are_of_human_size(face):
    deviation = np.sqrt((face.basis[: face.identity_count] ** 2).sum(axis=0)).max(axis=1)
    assert 1 < np.median(deviation) < 8
    assert np.abs(face.basis).max() < 32, "one deviation moves no point by more than 32 mm"


def test_modes_are_uncorrelated_within_identity_and_within_expression(face):
    for modes in (face.basis[: face.identity_count], face.basis[face.identity_count :]):
        flat = modes.reshape(len(modes), -1)
        flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
        cosines = flat @ flat.T - np.eye(len(modes))
        # The grid weighs the surface otherwise than the mesh the modes were found on.
        assert np.abs(cosines).max() < 0.8


@pytest.mark.parametrize("name, count", [("ibug68", 68), ("aflw21", 21)])
def test_landmarks_are_mirror_symmetric(face, name, count):
    landmarks = face.landmarks[name]
    assert len(landmarks) == count
    off_line = MIRROR[name] != np.arange(count)
    np.testing.assert_array_equal(
        face.mirror[landmarks[off_line]], landmarks[MIRROR[name][off_line]]
    )
    # An even grid has no column on the symmetry line: those points are a tenth of a cell off, and
    # no cell is wider than 6 mm.
    assert np.abs(face.mean[landmarks[~off_line], 0]).max() < 0.6


def test_different_ibug68_landmarks_are_different_vertices(face):
    assert len(np.unique(face.landmarks["ibug68"])) == 68


def test_ibug68_runs_as_on_300w(face):
    points = face.mean[face.landmarks["ibug68"]]
    assert np.all(np.diff(points[1:16, 0]) > 0), "jaw from image-left to image-right"
    assert points[:17, 1].argmax() == 8
    assert np.all(np.diff(points[17:27, 0]) > 0), "brows from left to right"
    assert np.all(np.diff(points[27:31, 1]) > 0), "nose bridge downwards"
    assert np.all(np.diff(points[31:36, 0]) > 0), "nose base from left to right"
    open_mouth = face.shape(2 * np.eye(face.modes)[face.identity_count])
    for first, last in ((36, 42), (42, 48), (48, 60), (60, 68)):
        x, y = open_mouth[face.landmarks["ibug68"]][first:last, :2].T
        assert x[0] == x.min(), "each closed line begins at its image-left corner"
        clockwise = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
        assert clockwise > 0, "and runs clockwise on the screen, y pointing down"


def test_aflw21_runs_from_left_to_right(face):
    points = face.mean[face.landmarks["aflw21"]]
    for first, last in ((0, 6), (6, 12), (12, 17), (17, 20)):
        assert np.all(np.diff(points[first:last, 0]) > 0)
    assert points[20, 1] == points[:, 1].max()
    np.testing.assert_allclose(
        points[[6, 11, 14]],
        face.mean[face.landmarks["ibug68"]][[36, 45, 30]],
        atol=6,
        err_msg="outer eye corners and nose tip are where ibug68 has them",
    )


def test_mean_face_has_a_closed_mouth_and_open_eyes(face):
    points = face.mean[face.landmarks["ibug68"]]
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        assert abs(points[lower, 1] - points[upper, 1]) < 1, "closed lips meet in a line"
    assert points[64, 0] - points[60, 0] > 0.8 * (points[54, 0] - points[48, 0])
    assert 6 < points[41, 1] - points[37, 1] < 15


def test_texture_gives_features_their_share(face):
    layout = feature_layout(face)
    widths = {name: texture for name, (texture, _) in layout.widths.items()}
    assert widths["mouth"] >= 0.52
    assert widths["inner lips"] >= 0.42
    assert widths["eye"] >= 0.29
    assert 0.29 <= widths["nose"] <= 0.36
    assert max(layout.cell_areas.values()) <= layout.median_area
    assert layout.area_95 <= 1.7


def test_regions_lie_where_the_features_are_and_mirror_each_other(face):
    assert set(face.regions) == {"left_eye", "right_eye", "mouth", "left_nostril", "right_nostril"}
    for side, points in (("left", range(36, 42)), ("right", range(42, 48))):
        eye = face.mean[face.regions[f"{side}_eye"]]
        contour = face.mean[face.landmarks["ibug68"][list(points)]]
        assert np.all(eye[:, :2] > contour[:, :2].min(axis=0) - 1)
        assert np.all(eye[:, :2] < contour[:, :2].max(axis=0) + 1)
    for feature in ("eye", "nostril"):
        mirrored = np.sort(face.mirror[face.regions[f"left_{feature}"]])
        np.testing.assert_array_equal(mirrored, face.regions[f"right_{feature}"])


def test_lips_hide_the_inside_of_a_closed_mouth_and_an_open_one_shows_it(face):
    inside = face.regions["mouth"]
    upper, lower = (at(face, "ibug68", point) for point in (62, 66))
    assert np.ptp(face.mean[inside, 1]) < 4
    opened = face.shape(2 * np.eye(face.modes)[face.identity_count])
    points = opened[face.landmarks["ibug68"]]
    assert points[66, 1] - points[62, 1] > lower[1] - upper[1] + 5
    assert opened[inside, 1].min() > points[62, 1] - 3
    assert opened[inside, 1].max() < points[66, 1] + 3


def test_faces_at_two_and_a_half_deviations_keep_their_features_in_order(face):
    for mode in range(face.identity_count):
        for coefficient in (-2.5, 2.5):
            coefficients = np.zeros(face.modes)
            coefficients[mode] = coefficient
            points = face.shape(coefficients)[face.landmarks["ibug68"]]
            middle = points[[27, 28, 29, 33, 51, 57, 8], 1]
            assert np.all(np.diff(middle) > 0)
