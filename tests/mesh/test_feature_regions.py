"""The insides of eyes and mouth, found from the landmarks' places on the grid."""

from dataclasses import replace

import numpy as np

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.feature_regions import with_feature_regions


def test_bundled_regions_are_found_from_the_landmarks():
    model = GridModel.bundled()
    found = with_feature_regions(replace(model, regions={})).regions
    assert set(found) == {"left_eye", "right_eye", "mouth"}
    for name, vertices in found.items():
        common = np.intersect1d(vertices, model.regions[name])
        assert len(common) > 0.75 * max(len(vertices), len(model.regions[name]))


def test_regions_mirror_each_other_and_hold_no_points_of_their_contours():
    model = with_feature_regions(replace(GridModel.bundled(), regions={}))
    mirrored = np.sort(model.mirror[model.regions["left_eye"]])
    np.testing.assert_array_equal(mirrored, model.regions["right_eye"])
    inside = np.concatenate([*model.regions.values()])
    contours = model.landmarks["ibug68"][[*range(36, 48), *range(60, 68)]]
    assert not np.isin(contours, inside).any()


def test_a_model_with_regions_or_without_landmarks_stays_as_it_is():
    model = GridModel.bundled()
    assert with_feature_regions(model) is model
    bare = replace(model, regions={}, landmarks={})
    assert with_feature_regions(bare) is bare
