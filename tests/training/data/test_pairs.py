"""Pairs of photographs of one person, from folders and shards to batches."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.batches import training_batches
from keras_3dmmstn.training.data.conversion import convert
from keras_3dmmstn.training.data.crops import FaceCrops, cut_faces
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks
from keras_3dmmstn.training.data.mixture import mixture
from keras_3dmmstn.training.data.pairs import PairedFaces, other_photographs
from keras_3dmmstn.training.data.readers.cfp import IMAGE_LEFT_POINTS
from keras_3dmmstn.training.data.run_data import epoch_batches, fixed_faces, read_sources
from keras_3dmmstn.training.fitting.face_box import face_boxes
from tests.support.face_folders import projected_face, spotted_faces, write_cfp
from tests.support.tiny_run import write_faces

CONFIG = TrainingConfig(image_size=32, batch_size=4, mirror_pairs=0.0, tied_identity=0.1, seed=3)


def grey_crops(people, views=(), landmark=0.0):
    """Crops each of its own grey, which says who is who: face k has level 20 k."""
    levels = 20 * np.arange(len(people), dtype=np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (len(people), 48, 48, 3)).copy()
    landmarks = np.full((len(people), 89, 3), landmark, np.float32)
    return FaceCrops(images, landmarks, 32.0, people=tuple(people), views=tuple(views))


def faces_of(batches):
    """The numbers of the faces of grey crops in batches, in order."""
    images = np.concatenate([images.numpy() for images, _ in batches])
    return np.round(images[:, 16, 16, 0] / 20).astype(int)


def test_another_view_comes_before_everything_else():
    people, views = ["a"] * 4, ["frontal", "frontal", "profile", "profile"]
    others = other_photographs(people, views, range(4))
    assert [set(o.tolist()) for o in others] == [{2, 3}, {2, 3}, {0, 1}, {0, 1}]


def test_of_one_view_the_further_half_is_taken_in_the_order_of_the_data_set():
    numbers = [50, 10, 40, 20, 30]  # places 1, 3, 4, 2, 0 in this order
    others = other_photographs(["a"] * 5, [""] * 5, numbers)
    assert [set(o.tolist()) for o in others] == [{1, 3}, {0, 2}, {1, 3}, {0, 2}, {0, 1}]


def test_people_are_not_mixed_and_who_is_alone_or_unknown_stays_alone():
    people = ["a", "b", "a", "", "c", "", "b"]
    others = other_photographs(people, [""] * 7, range(7))
    assert [o.tolist() for o in others] == [[2], [6], [0], [3], [4], [5], [1]]


@pytest.mark.parametrize("augmentation", [False, True])
def test_each_face_is_followed_by_another_one_of_its_person(augmentation):
    people = ["a", "b", "a", "b", "c", "", "a", "b"]
    source = mixture([grey_crops(people)])
    config = dataclasses.replace(
        CONFIG, augmentation=augmentation, light_strength=0.0, blur_share=0.0, patch_share=0.0
    )
    faces = faces_of(training_batches(source, config, identity_pairs=True))
    first, other = faces[::2], faces[1::2]
    assert sorted(first) == list(range(8))  # each face once, as ever
    for a, b in zip(first, other, strict=True):
        assert people[a] == people[b]
        assert (a == b) == (people[a] in ("c", ""))


def test_with_reflections_a_person_is_four_images():
    images = np.random.default_rng(0).integers(0, 255, (4, 48, 48, 3)).astype(np.uint8)
    crops = FaceCrops(images, np.zeros((4, 89, 3), np.float32), 32.0, people=("a", "b") * 2)
    config = dataclasses.replace(CONFIG, mirror_pairs=1.0)
    ((batch, _),) = list(epoch_batches(mixture([crops]), config, 0))
    assert batch.shape == (16, 32, 32, 3)
    np.testing.assert_array_equal(batch[1::2], batch.numpy()[::2, :, ::-1])
    ((pairs, _),) = list(epoch_batches(mixture([crops]), CONFIG, 0))
    np.testing.assert_array_equal(batch[::2], pairs)


def test_an_epoch_depends_on_seed_and_number_alone():
    source = mixture([grey_crops(["a"] * 7 + ["b"] * 5)])
    config = dataclasses.replace(CONFIG, augmentation=True)

    def epoch(number, **changes):
        batches = epoch_batches(source, dataclasses.replace(config, **changes), number)
        return np.concatenate([images.numpy() for images, _ in batches])

    np.testing.assert_array_equal(epoch(4), epoch(4))
    assert (epoch(4) != epoch(5)).any() and (epoch(4) != epoch(4, seed=1)).any()
    running = training_batches(source, config, first_epoch=3, identity_pairs=True)
    for number in (3, 4):
        images = np.concatenate([images.numpy() for images, _ in running])
        np.testing.assert_array_equal(images, epoch(number))
    rest = epoch_batches(source, config, 4).skip(1)
    np.testing.assert_array_equal(np.concatenate([i.numpy() for i, _ in rest]), epoch(4)[8:])


def test_parts_of_a_batch_are_whole_pairs_of_it():
    source = mixture([grey_crops(["a"] * 4 + ["b"] * 4)])
    whole, *parts = (
        np.stack([i.numpy() for i, _ in epoch_batches(source, CONFIG, 0, worker, workers)])
        for worker, workers in ((0, 1), (0, 2), (1, 2))
    )
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_the_photographs_of_a_pair_are_reflected_together():
    ramp = np.tile(np.linspace(0, 255, 48).astype(np.uint8)[None, None, :, None], (8, 48, 1, 3))
    crops = FaceCrops(ramp, np.zeros((8, 89, 3), np.float32), 32.0, people=("a",) * 8)
    config = dataclasses.replace(
        CONFIG, augmentation=True, rotation_deviation=0.0, blur_share=0.0, patch_share=0.0
    )

    def reflected(source):
        batches = training_batches(source, config, identity_pairs=True)
        images = np.concatenate([images.numpy() for images, _ in batches])
        return images[:, 16, 8, 0] > images[:, 16, 24, 0]

    found = reflected(mixture([crops]))
    np.testing.assert_array_equal(found[::2], found[1::2])
    assert 0 < found.sum() < len(found)
    assert not reflected(mixture([crops], mirrored=[False])).any()


def test_nobody_with_two_photographs_is_an_error():
    for people in (["a", "b", "c", "d"], [""] * 4):
        with pytest.raises(ValueError, match="at least one person with two photographs"):
            epoch_batches(mixture([grey_crops(people)]), CONFIG, 0)
    # It is enough if one data set has somebody.
    PairedFaces(mixture([grey_crops([""] * 4), grey_crops(["a"] * 2)]))


def test_people_of_other_data_sets_are_others():
    points = np.stack([projected_face()] * 4)
    faces = LabelledFaces(
        ("1.png",) * 4,
        joint_landmarks(points, "ibug68+aflw21"),
        subjects=("1", "1", "1", ""),
        sources=("one", "two", "one", "two"),
    )
    assert faces.people[0] == faces.people[2] != faces.people[1] and faces.people[3] == ""


def test_shards_keep_people_and_views(tmp_path):
    faces = dataclasses.replace(
        spotted_faces(tmp_path / "photographs", 4),
        subjects=("1", "1", "2", ""),
        sources=("cfp",) * 4,
        views=("frontal", "profile", "profile", ""),
    )
    shards, crops = convert(faces, tmp_path / "shards"), cut_faces(faces)
    loaded = shards.load()
    assert loaded.people == tuple(crops.people[k] for k in loaded.kept)
    assert loaded.views == tuple(crops.views[k] for k in loaded.kept)
    with pytest.raises(ValueError, match="in memory, received shards: give their `load"):
        epoch_batches(mixture([shards]), CONFIG, 0)
    # A run reads them into memory itself.
    source = read_sources([tmp_path / "shards"], CONFIG)
    assert len(list(epoch_batches(source, CONFIG, 0))) == 1


def test_shards_from_before_views_are_read(tmp_path):
    faces = dataclasses.replace(
        spotted_faces(tmp_path / "photographs", 3), subjects=("1", "1", "2"), sources=("x",) * 3
    )
    shards = convert(faces, tmp_path / "shards")
    records = [tf.train.Example.FromString(record.numpy()) for record in shards.records()]
    assert not any("view" in record.features.feature for record in records)
    assert set(shards.load().views) == {""} and len(set(shards.load().people)) == 2


def test_a_run_reads_the_frontal_photographs_of_cfp_without_labels(tmp_path):
    points = 60 + np.stack([np.arange(30), 3.0 * np.arange(30)], axis=1)
    rows = [
        (f"{person}_{kind[0]}.png", person, kind, 1, points)
        for person in (1, 2)
        for kind in ("frontal", "profile")
    ]
    folder = write_cfp(tmp_path / "cfp", rows)
    (crops,) = read_sources([folder], CONFIG).sources
    assert crops.views == ("frontal", "profile") * 2
    labelled = (crops.landmarks[..., 2] > 0).any(axis=1)
    np.testing.assert_array_equal(labelled, [False, True, False, True])
    others = PairedFaces(mixture([crops]))
    rng = np.random.default_rng(0)
    assert [others.other(0, number, rng) for number in range(4)] == [1, 0, 3, 2]
    plain = dataclasses.replace(CONFIG, tied_identity=0.0)
    assert len(read_sources([folder], plain)) == 2
    assert len(read_sources([folder], CONFIG, measured=True)) == 2


def test_frontal_photographs_are_framed_by_their_points(tmp_path):
    points = projected_face()[list(IMAGE_LEFT_POINTS)]
    rows = [("a.png", 1, "frontal", 1, points), ("b.png", 1, "profile", 1, points)]
    faces = read_faces(write_cfp(tmp_path / "cfp", rows), frontal=True)
    assert not (faces.landmarks[0] > 0).any()
    # The same points, as labels of a profile, frame it in the same place.
    boxes = face_boxes(faces.landmarks, faces.rectangles)
    np.testing.assert_allclose(boxes[0], boxes[1], atol=1e-3)


def test_example_faces_of_a_run_come_alone(tmp_path):
    source = read_sources([write_faces(tmp_path / "faces", 4)], CONFIG)
    faces = fixed_faces(source, dataclasses.replace(CONFIG, mirror_pairs=1.0), 3)
    assert len({face.tobytes() for face in faces}) == 3
    assert all((a != b).any() for a, b in pairwise(faces))
