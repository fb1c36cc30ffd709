"""`keras-3dmmstn data convert`, run as a user runs it."""

import pytest

from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.labelled_faces import held_out
from keras_3dmmstn.training.data.readers.cfp import IMAGE_LEFT_POINTS
from keras_3dmmstn.training.data.shards import read_shards
from keras_3dmmstn.training.data.streams import parsed
from tests.support.command_line import assert_fails, run
from tests.support.face_folders import (
    projected_face,
    write_300w,
    write_cfp,
    write_csv,
    write_mtfl,
    write_photograph,
)


def convert(*arguments):
    return run("data", "convert", *arguments)


def test_convert_writes_shards_and_names_what_is_held_out(aflw, tmp_path):
    (aflw / "flickr/1/b.jpg").unlink()
    mtfl = write_mtfl(tmp_path / "mtfl")
    result = convert(aflw, mtfl, "--out", tmp_path / "out", "--size", 96, "--format", "png")
    assert result.exit_code == 0, result.output
    assert "3 faces in 1 shard, 1 skipped" in result.output
    assert "skipped: 1/b.jpg, face 3: " in result.output and "No such file" in result.output
    shards = read_shards(tmp_path / "out")
    assert len(shards) == 3 and shards.size == 96
    assert {name.split("/")[-1]: count for name, count in shards.sources.items()} == {
        "aflw": 3, "mtfl": 1,
    }  # fmt: skip


def test_labels_that_cannot_be_read_are_named_and_listed(tmp_path):
    folder = write_300w(tmp_path / "helen", 3)
    (folder / "image_1.pts").write_text("")
    (folder / "image_2.pts").rename(folder / "image_2.PTS")
    (folder / "image_2.jpg").rename(folder / "image_2.Jpg")
    result = convert(folder, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "2 faces in 1 shard, 1 skipped" in result.output
    assert "image_1.pts: expected 68 points, received 0" in result.output.replace("\n", "")
    (skipped,) = read_shards(tmp_path / "out").skipped
    assert skipped.name.endswith("helen/image_1.jpg")
    assert "helen/image_1.jpg" in (tmp_path / "out" / "index.json").read_text()


def test_convert_names_a_few_of_many(tmp_path):
    rows = [f"{n}.jpg,10,20,30,21,22,33,12,41,29,42" for n in range(31)]
    folder = write_mtfl(tmp_path / "mtfl", rows)
    for number in range(30):
        (folder / "images" / f"{number}.jpg").unlink()
    result = convert(folder, "--out", tmp_path / "out")
    assert result.exit_code == 0 and result.output.count("skipped:") == 20
    assert "and 10 more; index.json lists them all." in result.output


def test_convert_refuses_what_it_cannot_do(aflw, tmp_path):
    assert_fails(convert(tmp_path / "x", "--out", tmp_path / "out"), "Expected a folder")
    convert(aflw, "--out", tmp_path / "out")
    again = convert(aflw, "--out", tmp_path / "out", "--size", 96)
    assert_fails(again, "size 192 and not 96")
    assert_fails(convert(aflw, "--out", tmp_path / "o", "--format", "gif"), "'gif'")
    (tmp_path / "file").touch()
    assert_fails(convert(aflw, "--out", tmp_path / "file"), "file: expected a folder, but a file")


def test_a_photograph_of_another_size_than_the_database_says_is_no_matter(aflw, tmp_path):
    write_photograph(aflw / "flickr/1/b.jpg", size=(400, 500))
    assert "3 faces" in convert(aflw, "--out", tmp_path / "out").output


@pytest.mark.parametrize("option", ["--held-out", "--leave-out"])
def test_what_convert_holds_out_is_what_evaluate_measures(option, tmp_path):
    rows = [f"{n}.jpg,10,20,30,21,22,33,12,41,29,42" for n in range(12)]
    folder = write_mtfl(tmp_path / "mtfl", rows)
    out = held_out(read_faces(folder), 3)
    assert 0 < out.sum() < 12
    result = convert(folder, "--out", tmp_path / "out", option, 3)
    assert result.exit_code == 0, result.output
    assert f"{12 - out.sum()} faces in" in result.output


def test_points_that_labels_lack_are_added_on_request(tmp_path):
    points = projected_face(yaw=1.2)[list(IMAGE_LEFT_POINTS)]
    folder = write_cfp(tmp_path / "cfp", [("a.jpg", 1, "profile", 1, points)])
    convert(folder, "--out", tmp_path / "plain")
    result = convert(folder, "--out", tmp_path / "whole", "--complete", "--yaw", 69)
    assert result.exit_code == 0, result.output
    labelled = []
    for name in ("plain", "whole"):
        (record,) = read_shards(tmp_path / name).records()
        labelled.append((parsed(record[None])[1][0, :68, 2].numpy() > 0).sum())
    assert labelled == [30, 68]


def test_frontal_photographs_are_kept_on_request(tmp_path):
    points = projected_face()[list(IMAGE_LEFT_POINTS)]
    rows = [(f"{kind}.jpg", 1, kind, 1, points) for kind in ("frontal", "profile")]
    folder = write_cfp(tmp_path / "cfp", rows)
    for options, kept in (((), ["profile"]), (("--frontal",), ["frontal", "profile"])):
        out = tmp_path / f"{len(kept)}"
        result = convert(folder, "--out", out, *options)
        assert result.exit_code == 0, result.output
        crops = read_shards(out).load()
        assert sorted(crops.views) == kept
        labelled = (crops.landmarks[..., 2] > 0).any(axis=1)
        assert [v for v, known in zip(crops.views, labelled, strict=True) if known] == ["profile"]


def test_people_may_be_chosen_by_their_numbers(tmp_path):
    points = projected_face(yaw=1.2)[list(IMAGE_LEFT_POINTS)]
    rows = [(f"{person}.jpg", person, "profile", 1, points) for person in range(1, 13)]
    folder, out = write_cfp(tmp_path / "cfp", rows), tmp_path / "out"
    result = convert(folder, "--out", out, "--subjects", "2-10,12")
    assert result.exit_code == 0, result.output
    assert "10 faces in 1 shard" in result.output
    both = "--subjects", "2-10,12", "--held-out", 3
    chosen = read_faces(folder).choose([*range(1, 10), 11])
    result = convert(folder, "--out", tmp_path / "both", *both)
    assert f"{(~held_out(chosen, 3)).sum()} faces in" in result.output
    for ranges in ("", "13-20"):
        assert_fails(convert(folder, "--out", out, "--subjects", ranges), "subjects", "received")
    named = write_csv(tmp_path / "videos")
    assert_fails(convert(named, "--out", out, "--subjects", "1"), "one.jpg", "subject 'someone'")
