"""The folder of compiled models, whatever lies in it."""

import logging
import os
from pathlib import Path

import pytest

from keras_3dmmstn.inference.compiled_models import kept_models
from keras_3dmmstn.inference.compiled_models.kept_models import (
    KeptModel,
    cache_folder,
    keep_model,
    read_model,
)

KEY, OTHER = "ab" * 32, "cd" * 32
KEPT = KeptModel(b"a model\nof two lines", {"weights": 7, "input_shape": [None, 3]})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("KERAS_3DMMSTN_CACHE", str(folder))
    return folder


def keys(count):
    return [f"{number:064x}" for number in range(count)]


def keep_in_order(folder, wanted, **kept):
    """Keeps models, each used a minute after the one before it."""
    for minute, key in enumerate(wanted):
        keep_model(key, KeptModel(**kept))
        if (folder / f"{key}.litert").exists():
            os.utime(folder / f"{key}.litert", (60 * minute, 60 * minute))


def test_a_model_is_kept_with_what_is_known_of_it(folder):
    assert read_model(KEY) is None
    keep_model(KEY, KEPT)
    assert read_model(KEY) == KEPT
    assert read_model(OTHER) is None
    assert [path.name for path in folder.iterdir()] == [f"{KEY}.litert"]


def test_a_model_takes_the_place_of_one_with_its_key(folder):
    keep_model(KEY, KeptModel(b"former"))
    keep_model(KEY, KEPT)
    assert read_model(KEY) == KEPT


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:20],
        lambda content: b"",
        lambda content: content + b"0",
        lambda content: content[:-1] + b"S",
        lambda content: content.replace(b"7", b"8"),
        lambda content: bytes(32) + content[32:],
    ],
    ids=["cut", "cut in the checksum", "empty", "longer", "model", "facts", "checksum"],
)
def test_a_damaged_model_is_not_used_and_made_again(folder, damage, caplog):
    keep_model(KEY, KEPT)
    path = folder / f"{KEY}.litert"
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.INFO, "keras_3dmmstn"):
        assert read_model(KEY) is None
    assert caplog.messages == [f"{path} is damaged, and is made again"]
    keep_model(KEY, KEPT)
    assert read_model(KEY) == KEPT


def test_a_model_under_the_name_of_another_is_not_used(folder):
    keep_model(KEY, KEPT)
    (folder / f"{KEY}.litert").rename(folder / f"{OTHER}.litert")
    assert read_model(OTHER) is None


def test_a_folder_that_cannot_be_read_or_written_keeps_nothing(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KERAS_3DMMSTN_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.INFO, "keras_3dmmstn"):
        keep_model(KEY, KEPT)
        assert read_model(KEY) is None
    assert caplog.messages[0].startswith("compiled models are not kept: ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_read_only_folder_keeps_nothing(folder):
    folder.mkdir()
    folder.chmod(0o500)
    keep_model(KEY, KEPT)
    assert read_model(KEY) is None


def test_a_full_disk_keeps_nothing_and_leaves_nothing(folder, monkeypatch, caplog):
    def fail(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with caplog.at_level(logging.INFO, "keras_3dmmstn"):
        keep_model(KEY, KEPT)
    assert "No space left on device" in caplog.text
    assert not folder.exists()


def test_something_else_in_place_of_a_model_is_not_used(folder):
    (folder / f"{KEY}.litert").mkdir(parents=True)
    assert read_model(KEY) is None


def test_the_models_that_were_not_used_for_longest_go(folder, monkeypatch):
    monkeypatch.setattr(kept_models, "MOST_MODELS", 3)
    first, second, third, fourth = keys(4)
    keep_in_order(folder, [first, second, third], model=b"m")
    assert read_model(first)  # it is used
    keep_model(fourth, KEPT)
    kept = {path.stem for path in folder.iterdir()}
    assert kept == {first, third, fourth}


def test_models_that_are_large_together_go(folder, monkeypatch):
    monkeypatch.setattr(kept_models, "MOST_BYTES", 1000)
    keep_in_order(folder, keys(5), model=bytes(400))
    assert {path.stem for path in folder.iterdir()} == set(keys(5)[3:])
    keep_model(KEY, KeptModel(bytes(1001)))
    assert read_model(KEY) is None
    assert read_model(keys(5)[4])


def test_files_of_others_and_what_is_being_written_stay(folder, monkeypatch):
    monkeypatch.setattr(kept_models, "MOST_MODELS", 1)
    folder.mkdir()
    names = ["localiser.litert", "notes.txt", f".{OTHER}.litert.{os.getpid()}-9.tmp"]
    for name in names:
        (folder / name).write_text("of somebody")
    keep_in_order(folder, keys(3), model=b"m")
    assert {path.name for path in folder.iterdir()} == {*names, f"{keys(3)[2]}.litert"}


def test_what_a_killed_process_left_goes(folder):
    folder.mkdir()
    left = folder / f".{OTHER}.litert.999999999-0.tmp"
    left.write_text("half a mod")
    keep_model(KEY, KEPT)
    assert not left.exists()


@pytest.mark.parametrize("given", ["", " "])
def test_an_empty_variable_is_no_folder(monkeypatch, tmp_path, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_3DMMSTN_CACHE", given)
    assert cache_folder() is None
    keep_model(KEY, KEPT)
    assert read_model(KEY) is None
    assert not list(tmp_path.iterdir())


def test_without_the_variable_it_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_3DMMSTN_CACHE")
    monkeypatch.setattr(kept_models.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setattr(kept_models.platformdirs, "user_cache_dir", lambda *_, **__: "~/.cache")
    assert cache_folder() is None
