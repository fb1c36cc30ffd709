"""Runs over a data set in this process: what is there at the end, and after a stop."""

import csv
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.folder_lock import FolderInUseError, folder_in_use
from keras_3dmmstn.inference.data_sets import normalise_data_set, read_normalised, shard
from keras_3dmmstn.inference.data_sets.job import Job
from keras_3dmmstn.inference.data_sets.manifest import read_manifest
from keras_3dmmstn.inference.data_sets.places import LocalPlace
from keras_3dmmstn.inference.data_sets.plan import PlannedPhotograph
from keras_3dmmstn.inference.data_sets.rows import encoded_mask, row_of
from keras_3dmmstn.inference.data_sets.shard import read_outcome
from keras_3dmmstn.inference.data_sets.shard_files import rows_read, rows_written
from tests.support.data_sets import plain_face, write_photographs, write_table

# TFRecord needs no extra.
OPTIONS = {"engine": "here", "shard_size": 2, "format": "tfrecord"}


class PlainNormaliser:
    """Says that every photograph has as many faces as its box is wide, or one."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image, boxes):
        self.calls += 1
        assert image.dtype == np.uint8 and image.shape[2] == 3
        return [plain_face()] * (1 if boxes is None else int(boxes[0, 2] - boxes[0, 0]))


@pytest.fixture
def normaliser(monkeypatch):
    """What stands in for the network."""
    plain = PlainNormaliser()
    monkeypatch.setattr(Job, "normaliser", lambda self: plain)
    monkeypatch.setattr(Job, "texture_shape", lambda self: (5, 4))
    return plain


@pytest.fixture
def photographs(tmp_path):
    return write_photographs(tmp_path / "in", 5)


def files_of(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def numbers(folder):
    return [int(face["photograph"]) for face in read_normalised(folder)]


def test_the_folder_has_shards_a_plan_a_manifest_and_nothing_else(
    photographs, normaliser, tmp_path
):
    out, seen = tmp_path / "out", []
    manifest = normalise_data_set(photographs, out, progress=seen.append, **OPTIONS)
    assert files_of(out) == [
        *(f"done/00000{n}.json" for n in range(3)),
        *(f"faces/00000{n}.tfrecord" for n in range(3)),
        *("failures.csv", "manifest.json", "plan.json"),
        *(f"plan/00000{n}.jsonl" for n in range(3)),
    ]
    assert manifest == json.loads((out / "manifest.json").read_text())
    assert manifest["finished"] and manifest["texture_shape"] == [5, 4, 3]
    assert (manifest["photographs"], manifest["faces"], manifest["failed"]) == (5, 5, 0)
    assert manifest["settings"]["source"] == str(photographs)
    assert manifest["versions"]["keras_3dmmstn"]
    assert [s["photographs"] for s in manifest["shards"]] == [2, 2, 1]
    assert [s["bytes"] for s in manifest["shards"]] == [
        path.stat().st_size for path in sorted((out / "faces").iterdir())
    ]
    assert [p.shards_done for p in seen] == [0, 1, 2, 3] and seen[0].outcome is None
    assert (seen[-1].photographs, seen[-1].shards, seen[-1].outcome.photographs) == (5, 3, 1)


def test_faces_are_read_back_as_they_were(photographs, normaliser, tmp_path):
    for textures in ("png", "raw"):
        out = tmp_path / textures
        normalise_data_set(photographs, out, textures=textures, **OPTIONS)
        faces = list(read_normalised(out))
        assert [int(face["photograph"]) for face in faces] == [0, 1, 2, 3, 4]
        face, expected = faces[3], plain_face()
        np.testing.assert_array_equal(face["texture"], expected.texture)
        np.testing.assert_array_equal(face["mask"], expected.mask)
        np.testing.assert_array_equal(face["landmarks"], expected.landmarks())
        np.testing.assert_array_equal(face["box"], expected.box)
        assert face["image"].numpy() == b"3.jpg" and face["theta"].shape == (9,)


def test_parquet_is_read_back_likewise(photographs, normaliser, tmp_path):
    pytest.importorskip("pyarrow")
    normalise_data_set(photographs, tmp_path / "out", **{**OPTIONS, "format": "parquet"})
    faces = list(read_normalised(tmp_path / "out"))
    assert [int(face["photograph"]) for face in faces] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(faces[3]["texture"], plain_face().texture)


@pytest.mark.parametrize("kind", ["parquet", "tfrecord"])
def test_a_changed_bit_of_a_shard_is_noticed(kind, photographs, normaliser, tmp_path):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    options = {**OPTIONS, "format": kind, "textures": "raw"}
    normalise_data_set(photographs, tmp_path / "out", **options)
    file = tmp_path / "out" / "faces" / f"000001.{kind}"
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 1
    file.write_bytes(content)
    with pytest.raises(Exception, match=rf"000001\.{kind}"):
        list(read_normalised(tmp_path / "out"))


@pytest.mark.parametrize("format_name", ["parquet", "tfrecord"])
@pytest.mark.parametrize(
    ("textures", "changes"),
    [
        ("png", {"texture": b"no picture"}),
        ("png", {"mask": encoded_mask(np.ones((6, 4), bool), "png")}),
        ("png", {"texture": encoded_mask(np.ones((5, 4), bool), "png")}),
        ("png", {"mask": encoded_mask(np.ones((5, 4), bool), "png")[:-20]}),
        ("png", {"mask": encoded_mask(np.ones((5, 4), bool), "png").replace(b"IDAT", b"IDAU")}),
        ("raw", {"texture": bytes(59)}),
        ("raw", {"box": np.zeros(3, np.float32)}),
        ("raw", {"pose": np.zeros(4, np.float32)}),
        ("raw", {"landmarks": np.zeros(3, np.float32)}),
    ],
)
def test_a_row_that_is_none_of_a_face_is_refused_with_its_shard(
    format_name, textures, changes, tmp_path
):
    if format_name == "parquet":
        pytest.importorskip("pyarrow")
    row = row_of(PlannedPhotograph(0, "a.jpg", None), 0, plain_face(), textures)
    for changed in ({}, changes):
        path = write_data_set(tmp_path, format_name, textures, {**row, **changed})
        if changed:
            match = rf"{path.name}: expected a shard of faces, received"
            with pytest.raises(tf.errors.InvalidArgumentError, match=match):
                list(read_normalised(tmp_path))
        else:
            assert len(list(read_normalised(tmp_path))) == 1
    path.unlink()
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{path.name}: .*no such file"):
        list(read_normalised(tmp_path))


@pytest.mark.parametrize("value", [None, b"\xff\xfe"])
def test_a_text_of_parquet_that_is_none_is_refused_with_its_shard(value, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    row = row_of(PlannedPhotograph(0, "a.jpg", None), 0, plain_face(), "png")
    path = write_data_set(tmp_path, "parquet", "png", row)
    table = parquet.read_table(path)
    text = arrow.array([value], arrow.binary()).view(arrow.string())
    place = table.column_names.index("image")
    parquet.write_table(table.set_column(place, "image", text), path)
    with pytest.raises(ValueError, match=r"000000\.parquet: expected a shard of faces, received"):
        list(rows_read(path, "parquet"))


def write_data_set(folder, format_name, textures, row):
    """Writes a finished data set of one row; returns its shard."""
    path = folder / "faces" / f"000000.{format_name}"
    path.parent.mkdir(exist_ok=True)
    with rows_written(path, format_name) as add_row:
        add_row(row)
    counts = {"photographs": 1, "faces": 1, "bytes": path.stat().st_size}
    manifest = {"format": 1, "finished": True, "failed": 0, "without_face": 0, **counts}
    manifest |= {"texture_shape": [5, 4, 3], "shards": [{"file": f"faces/{path.name}", **counts}]}
    manifest["settings"] = {"format": format_name, "textures": textures}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return path


def test_a_shard_of_another_size_is_named(photographs, normaliser, tmp_path):
    normalise_data_set(photographs, tmp_path / "out", **OPTIONS)
    file = tmp_path / "out" / "faces" / "000001.tfrecord"
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(
        Exception, match=r"000001\.tfrecord: expected the \d+ bytes of the manifest"
    ):
        list(read_normalised(tmp_path / "out"))


def test_shards_come_in_another_order_each_time_if_asked_for(photographs, normaliser, tmp_path):
    normalise_data_set(photographs, tmp_path / "out", **{**OPTIONS, "shard_size": 1})
    faces = read_normalised(tmp_path / "out", seed=3)
    orders = [[int(face["photograph"]) for face in faces] for _ in range(4)]
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)
    assert len(set(map(tuple, orders))) > 1


def test_photographs_without_faces_are_in_a_table_with_the_reason(
    photographs, normaliser, tmp_path
):
    (photographs / "1.jpg").write_bytes(b"words")
    (photographs / "3.jpg").unlink()
    rows = [
        ("0.jpg", 0, 0, 2, 2),
        ("1.jpg", *[""] * 4),
        ("2.jpg", 0, 0, 0.5, 1),
        ("3.jpg", *"0123"),
        ("4.jpg", 0, 0, "x", 1),
    ]
    table = write_table(photographs / "t.csv", rows)
    manifest = normalise_data_set(table, tmp_path / "out", **OPTIONS)
    counts = [manifest[name] for name in ("photographs", "faces", "failed", "without_face")]
    assert counts == [5, 2, 3, 1]
    assert [shard["without_faces"] for shard in manifest["shards"]] == [1, 2, 1]
    assert [(int(f["photograph"]), int(f["face"])) for f in read_normalised(tmp_path / "out")] == [
        (0, 0),
        (0, 1),
    ]
    with (tmp_path / "out/failures.csv").open(newline="") as file:
        failures = list(csv.DictReader(file))
    assert [(f["photograph"], f["image"], f["kind"]) for f in failures] == [
        ("1", "1.jpg", "failed"),
        ("2", "2.jpg", "no face"),
        ("3", "3.jpg", "failed"),
        ("4", "4.jpg", "failed"),
    ]
    reasons = [failure["reason"] for failure in failures]
    assert "not an image" in reasons[0] and "no face was found" in reasons[1]
    assert reasons[2] == "No such file or directory"
    assert reasons[3] == "row 5: expected four numbers of a box, or none, received 0, 0, x, 1"
    assert [failures[1][name] for name in ("x0", "x1")] == ["0.0", "0.5"]
    # The table is a source itself.
    shutil.copy(tmp_path / "out/failures.csv", photographs / "again.csv")
    again = normalise_data_set(photographs / "again.csv", tmp_path / "again", **OPTIONS)
    assert again["photographs"] == 4


def test_a_run_that_was_stopped_goes_on(photographs, normaliser, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def stop(progress):
        if progress.shards_done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        normalise_data_set(photographs, out, progress=stop, **OPTIONS)
    with pytest.raises(ValueError, match="received one with 1 of 3 shards: run the same command"):
        read_normalised(out)
    (out / "faces/.000001.tfrecord.99999.tmp").write_bytes(b"half")
    (out / "attempts").mkdir(exist_ok=True)
    (out / "attempts/000000.json").write_text("{}")  # its worker died when it was done
    write_photographs(photographs, 9)  # too late: the plan is made
    seen = []
    normalise_data_set(photographs, out, progress=seen.append, **OPTIONS)
    assert [progress.shards_done for progress in seen] == [1, 2, 3]
    assert normaliser.calls == 5 and numbers(out) == [0, 1, 2, 3, 4]
    assert not [name for name in files_of(out) if "tmp" in name or "attempts" in name]


def test_a_finished_folder_is_left_as_it_is(photographs, normaliser, tmp_path):
    first = normalise_data_set(photographs, tmp_path / "out", **OPTIONS)
    assert normalise_data_set(photographs, tmp_path / "out", **OPTIONS) == first
    assert normaliser.calls == 5


@pytest.mark.parametrize("written", ["faces", "done"])
def test_a_shard_is_done_when_the_last_of_its_files_is_there(
    written, photographs, normaliser, tmp_path, monkeypatch
):
    out, write = tmp_path / "out", LocalPlace.destination

    def full(self, name):
        if name.startswith(f"{written}/000001"):
            raise OSError(28, "No space left on device", name)
        return write(self, name)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(LocalPlace, "destination", full)
        normalise_data_set(photographs, out, **OPTIONS)
    assert shard.done_shards(LocalPlace(out)) == {0}
    normalise_data_set(photographs, out, **OPTIONS)
    assert numbers(out) == [0, 1, 2, 3, 4]


def test_other_settings_are_refused(photographs, normaliser, tmp_path):
    normalise_data_set(photographs, tmp_path / "out", **OPTIONS)
    with pytest.raises(ValueError, match="expected textures 'png', with which"):
        normalise_data_set(photographs, tmp_path / "out", textures="raw", **OPTIONS)
    with pytest.raises(ValueError, match="expected source"):
        normalise_data_set(tmp_path, tmp_path / "out", **OPTIONS)


def test_an_empty_folder_is_an_error_and_leaves_nothing(normaliser, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(ValueError, match="expected photographs, found none"):
        normalise_data_set(tmp_path / "in", tmp_path / "out", **OPTIONS)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_another_process_has_is_refused(photographs, normaliser, tmp_path):
    with folder_in_use(tmp_path / "out"), pytest.raises(FolderInUseError):
        normalise_data_set(photographs, tmp_path / "out", **OPTIONS)


def test_a_file_is_no_folder_for_results(photographs, normaliser, tmp_path):
    with pytest.raises(NotADirectoryError):
        normalise_data_set(photographs, photographs / "0.jpg", **OPTIONS)


def test_faces_of_others_are_not_replaced(photographs, normaliser, tmp_path):
    (tmp_path / "out/faces").mkdir(parents=True)
    (tmp_path / "out/faces/a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"received one with faces/a\.png and no plan"):
        normalise_data_set(photographs, tmp_path / "out", **OPTIONS)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"engine": "spark"}, "Expected the engine ray or here, received 'spark'"),
        ({"workers": 0}, "Expected at least one worker"),
        ({"workers": True}, "Expected at least one worker"),
        ({"shard_size": 0}, "Expected at least one photograph in a shard, received 0"),
        ({"format": "csv"}, "Expected the format"),
        ({"textures": "jpg"}, "Expected textures as png or raw, received 'jpg'"),
        ({"visibility": "all"}, "Expected one of the visibilities depth, table, normals"),
        ({"fill": "all"}, "mirror"),
        ({"texture_size": 7}, "Expected a texture size from 32"),
    ],
)
def test_wrong_arguments_are_refused(wrong, message, photographs, tmp_path):
    with pytest.raises(ValueError, match=message):
        normalise_data_set(photographs, tmp_path / "out", **{**OPTIONS, **wrong})
    assert not (tmp_path / "out").exists()


def test_weights_that_are_not_there_are_an_error(photographs, tmp_path):
    with pytest.raises(FileNotFoundError, match="Expected a folder with"):
        normalise_data_set(photographs, tmp_path / "out", weights=tmp_path / "w", **OPTIONS)


_OUTCOME = {"file": "a", "photographs": 1, "faces": 0, "bytes": 5, "without_faces": []}
_WITHOUT = {"photograph": [0, "a.jpg", None, None], "kind": "failed", "reason": "why"}


@pytest.mark.parametrize(
    "outcome",
    [
        "7",
        100_000 * "[",
        json.dumps(_OUTCOME | {"faces": "1"}),
        json.dumps(_OUTCOME | {"file": None}),
        json.dumps(_OUTCOME | {"without_faces": ["x"]}),
        json.dumps(_OUTCOME | {"without_faces": [_WITHOUT | {"kind": "other"}]}),
        json.dumps(_OUTCOME | {"without_faces": [_WITHOUT | {"reason": 5}]}),
        json.dumps(_OUTCOME | {"without_faces": [_WITHOUT | {"photograph": "abcd"}]}),
    ],
)
def test_an_outcome_of_other_values_is_refused(outcome, tmp_path):
    place = LocalPlace(tmp_path)
    whole = _OUTCOME | {"without_faces": [_WITHOUT]}
    place.write("done/000000.json", json.dumps(whole).encode())
    assert read_outcome(place, 0).count("failed") == 1
    place.write("done/000000.json", outcome.encode())
    with pytest.raises(ValueError, match=r"000000\.json: expected what came of a shard"):
        read_outcome(place, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"texture_shape": [5, 4]},
        {"texture_shape": [5, 4, 10**9]},
        {"texture_shape": [10**9, 4, 3]},
        {"texture_shape": "543"},
        {"settings": {"format": "csv", "textures": "png"}},
        {"settings": {"format": "tfrecord", "textures": []}},
        {"shards": [{"file": "a"}]},
        {"shards": {}},
        {"faces": "7"},
        {"finished": False},
    ],
)
def test_a_manifest_of_other_values_is_refused(changes, photographs, normaliser, tmp_path):
    out = tmp_path / "out"
    manifest = normalise_data_set(photographs, out, **OPTIONS)
    (out / "manifest.json").write_text(json.dumps(manifest | changes))
    with pytest.raises(ValueError, match=r"manifest\.json: expected a manifest of format 1"):
        read_normalised(out)


def test_a_damaged_outcome_is_named(photographs, normaliser, tmp_path):
    out = tmp_path / "out"
    normalise_data_set(photographs, out, **OPTIONS)
    (out / "manifest.json").unlink()
    (out / "done/000001.json").write_text("{}")
    with pytest.raises(ValueError, match=r"000001\.json: expected what came of a shard"):
        normalise_data_set(photographs, out, **OPTIONS)


def test_what_is_no_data_set_is_not_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no manifest\.json"):
        read_normalised(tmp_path)
    for content in ("{", "[]", '{"format": 2}', '{"format": 1}', 100_000 * "["):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(ValueError, match="expected a manifest of format 1"):
            read_manifest(LocalPlace(tmp_path))


def test_a_photograph_that_kills_its_worker_becomes_a_failure(
    photographs, normaliser, tmp_path, monkeypatch
):
    from keras_3dmmstn.inference.data_sets.attempts import Attempts

    hopeless = lambda self, photograph: photograph == 3  # noqa: E731
    monkeypatch.setattr(Attempts, "is_hopeless", hopeless)
    manifest = normalise_data_set(photographs, tmp_path / "out", **OPTIONS)
    assert manifest["failed"] == 1 and numbers(tmp_path / "out") == [0, 1, 2, 4]
    assert "ended 3 times" in (tmp_path / "out/failures.csv").read_text()


def test_the_bundled_weights_find_the_face(tmp_path):
    photographs = write_photographs(tmp_path / "in", 1)
    manifest = normalise_data_set(photographs, tmp_path / "out", texture_size=64, **OPTIONS)
    (face,) = read_normalised(tmp_path / "out")
    assert manifest["texture_shape"] == [64, 64, 3] == face["texture"].shape
    from keras_3dmmstn import Normaliser
    from tests.support.portraits import portrait

    (expected,) = Normaliser.pretrained(texture_size=64)(portrait())
    np.testing.assert_array_equal(face["texture"], expected.texture)
    np.testing.assert_array_equal(face["mask"], expected.mask)
    np.testing.assert_array_equal(face["landmarks"], expected.landmarks())
