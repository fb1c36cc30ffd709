"""The faces of a run and the batches of its epochs."""

from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn.mesh.landmark_sets import mirror_permutation
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.mixture import mixture
from keras_3dmmstn.training.data.run_data import (
    describe_sources,
    epoch_batches,
    fixed_faces,
    read_sources,
    skipped_faces,
)
from tests.support.tiny_run import write_faces

CONFIG = TrainingConfig(image_size=32, batch_size=2, mirror_pairs=0.0, seed=3)


@pytest.fixture
def folder(tmp_path):
    return write_faces(tmp_path / "faces", 6)


def contents(batches):
    """All images and landmarks of some batches."""
    pairs = [(images.numpy(), labels["landmarks"].numpy()) for images, labels in batches]
    return [np.concatenate(parts) for parts in zip(*pairs, strict=True)]


@pytest.mark.parametrize("augmentation", [False, True])
def test_an_epoch_is_the_same_whenever_it_is_asked_for(augmentation, folder):
    config = replace(CONFIG, augmentation=augmentation)
    source = read_sources([folder], config)
    first, again, next_one = (contents(epoch_batches(source, config, epoch)) for epoch in (4, 4, 5))
    for expected, received, other in zip(first, again, next_one, strict=True):
        np.testing.assert_array_equal(received, expected)
        assert (other != expected).any()


def test_an_epoch_can_be_entered_in_the_middle(folder):
    source = read_sources([folder], CONFIG)
    whole = contents(epoch_batches(source, CONFIG, 2))
    rest = contents(epoch_batches(source, CONFIG, 2).skip(2))
    for expected, received in zip(whole, rest, strict=True):
        np.testing.assert_array_equal(received, expected[4:])


def test_mirror_pairs_follow_each_other(folder):
    source = read_sources([folder], CONFIG)
    images, landmarks = contents(epoch_batches(source, replace(CONFIG, mirror_pairs=1.0), 0))
    assert len(images) == 12
    np.testing.assert_array_equal(images[1::2], images[0::2, :, ::-1])
    mirror = mirror_permutation("ibug68+aflw21")
    known = landmarks[0::2][:, mirror, 2] > 0
    np.testing.assert_allclose(
        landmarks[1::2, :, 0][known], 31 - landmarks[0::2][:, mirror, 0][known], atol=1e-4
    )


def test_jaw_and_missing_labels_have_their_confidence(folder):
    config = replace(CONFIG, jaw_confidence=0.25)
    source = read_sources([folder], config)
    _, landmarks = contents(epoch_batches(source, config, 0))
    assert (landmarks[:, :17, 2] == 0.25).all() and (landmarks[:, 17:68, 2] == 1).all()
    _, few = contents(epoch_batches(source, replace(config, label_share=0.5), 0))
    assert (few[..., 2].max(axis=1) > 0).sum() == 3
    _, five = contents(epoch_batches(source, replace(config, only_points="five"), 0))
    assert (five[:, :68, 2] == 0).all()


def test_stored_crops_are_large_enough_for_the_network(folder):
    for size, expected in ((112, 192), (224, 336)):
        (crops,) = read_sources([folder], replace(CONFIG, image_size=size)).sources
        assert crops.images.shape[1] == expected and crops.crop_side == pytest.approx(
            expected / 1.5
        )


def test_fixed_faces_are_the_same_each_time(folder):
    source = read_sources([folder], CONFIG)
    config = replace(CONFIG, augmentation=True, mirror_pairs=1.0)
    faces = fixed_faces(source, config, 3)
    assert faces.shape == (3, 32, 32, 3) and faces.dtype == np.uint8
    np.testing.assert_array_equal(faces, fixed_faces(source, config, 3))
    # They are as they are in the photographs, one from each of three.
    assert len({face.tobytes() for face in faces}) == 3
    assert len(fixed_faces(source, CONFIG, 8)) == 6


def test_data_sets_are_drawn_from_by_weight(folder):
    source = read_sources([folder, folder], CONFIG, weights=[3, 1])
    assert source.weights == (0.75, 0.25) and len(source) == 12


def test_faces_of_an_unmirrored_data_set_are_never_reflected(folder):
    config = replace(CONFIG, augmentation=True, rotation_deviation=0.0)

    def turning_left(unmirrored):
        """How many of each epoch's faces have chin, nose bridge and tip in one sense of turning."""
        source = read_sources([folder], config, unmirrored=unmirrored)
        counts = []
        for epoch in range(6):
            chin, bridge, tip = np.moveaxis(
                contents(epoch_batches(source, config, epoch))[1][:, [8, 27, 30], :2], 1, 0
            )
            first, second = (bridge - chin).T, (tip - chin).T
            counts.append(int((first[0] * second[1] > first[1] * second[0]).sum()))
        return counts

    # All three points are their own mirror images, so a reflection turns their sense around.
    assert len(set(turning_left([folder]))) == 1
    assert len(set(turning_left([]))) > 1


def test_what_is_not_mirrored_is_described_and_must_be_a_data_set_of_the_run(folder):
    described = describe_sources([folder], read_sources([folder], CONFIG, unmirrored=[folder]))
    assert all(text.endswith(", not mirrored") for text in described.values())
    described = describe_sources([folder], read_sources([folder], CONFIG))
    assert not any("not mirrored" in text for text in described.values())
    with pytest.raises(ValueError, match="to be among those trained on, received elsewhere"):
        read_sources([folder], CONFIG, unmirrored=["elsewhere"])


def test_changed_labels_change_the_description(folder):
    source = read_sources([folder], CONFIG)
    description = describe_sources([folder], source)
    assert list(description) == ["0 faces"] and "6 faces, share 1" in description["0 faces"]
    (crops,) = source.sources
    moved = FaceCrops(crops.images, crops.landmarks + 1, crops.crop_side)
    assert describe_sources([folder], mixture([moved])) != description
    assert describe_sources([], None) == {}


def test_other_people_and_views_change_the_description_where_pairs_need_them(folder):
    (crops,) = read_sources([folder], CONFIG).sources
    plain = FaceCrops(crops.images, crops.landmarks, crops.crop_side)
    known = replace(plain, people=("a", "b", "c") * 2)
    frontal = replace(known, views=("frontal",) * 6)
    sources = [mixture([part]) for part in (plain, known, frontal)]
    described = [describe_sources([folder], source, people=True)["0 faces"] for source in sources]
    assert len(set(described)) == 3
    without = {describe_sources([folder], source)["0 faces"] for source in sources}
    assert len(without) == 1


def test_photographs_that_are_left_out_are_named(folder):
    (folder / "images" / "3.png").write_bytes(b"no photograph")
    source = read_sources([folder], CONFIG)
    (skipped,) = skipped_faces(source)
    assert "3.png" in skipped and len(source) == 5


def test_no_folder_and_too_few_faces_are_refused(folder):
    with pytest.raises(ValueError, match="at least one folder"):
        read_sources([], CONFIG)
    source = read_sources([folder], CONFIG)
    with pytest.raises(ValueError, match="one batch of 7 faces"):
        epoch_batches(source, replace(CONFIG, batch_size=7), 0)
