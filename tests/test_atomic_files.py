import errno
import os
import subprocess
import sys

import pytest

from keras_3dmmstn.atomic_files import (
    atomic_destination,
    remove_leftovers,
    remove_leftovers_of_the_dead,
    write_atomically,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    for content in (b"first", b"second"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert names(tmp_path) == ["file"]


def test_a_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / "new" / "file"
    with atomic_destination(path) as aside:
        aside.write_text("all")
        assert aside.parent == path.parent and not path.exists()
        assert aside.name.startswith(f".file.{os.getpid()}-") and aside.suffix == ".tmp"
    assert path.read_text() == "all"
    assert names(path.parent) == ["file"]


def test_a_folder_appears_when_all_is_written(tmp_path):
    path = tmp_path / "folder"
    with atomic_destination(str(path)) as aside:
        aside.mkdir()
        (aside / "file").write_text("all")
    assert (path / "file").read_text() == "all"


def test_the_suffix_is_kept_for_writers_that_look_at_it(tmp_path):
    with atomic_destination(tmp_path / "model.part.keras", keep_suffix=True) as aside:
        assert aside.suffix == ".keras" and aside.name.startswith(".")
        aside.write_text("model")
    assert names(tmp_path) == ["model.part.keras"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(error, tmp_path):
    with pytest.raises(error), atomic_destination(tmp_path / "a" / "b" / "folder") as aside:
        aside.mkdir()
        (aside / "half").write_text("ha")
        raise error
    assert names(tmp_path) == []


def test_what_was_there_stays_after_an_error(tmp_path):
    path = tmp_path / "new" / "file"
    write_atomically(path, b"before")
    with pytest.raises(KeyboardInterrupt), atomic_destination(path) as aside:
        aside.write_text("half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"before"
    assert names(path.parent) == ["file"]


def test_other_things_in_a_new_folder_stay_after_an_error(tmp_path):
    with pytest.raises(ValueError), atomic_destination(tmp_path / "new" / "file"):
        (tmp_path / "new" / "other").write_text("other")
        raise ValueError
    assert names(tmp_path / "new") == ["other"]


def test_what_exists_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    with (
        pytest.raises(FileExistsError, match=f"{path} exists"),
        atomic_destination(path, replace=False),
    ):
        pytest.fail("was to be refused")
    assert path.read_text() == "mine"


def test_what_appeared_meanwhile_is_kept(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileExistsError), atomic_destination(path, replace=False) as aside:
        aside.write_text("mine")
        path.write_text("theirs")
    assert path.read_text() == "theirs"
    assert names(tmp_path) == ["file"]


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "mine").write_text("mine")
    with pytest.raises(OSError) as caught, atomic_destination(path) as aside:
        aside.write_text("file")
    assert caught.value.filename == str(path)
    assert names(tmp_path) == ["folder"] and names(path) == ["mine"]


def test_writing_nothing_is_an_error_on_the_target(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_destination(tmp_path / "file"):
        pass
    assert caught.value.filename == str(tmp_path / "file")
    assert str(caught.value).endswith(f"'{tmp_path / 'file'}'")


def test_of_two_writers_in_one_process_the_first_to_end_wins(tmp_path):
    path = tmp_path / "folder"
    with (
        pytest.raises(FileExistsError, match=r"folder exists; move it away"),
        atomic_destination(path, replace=False) as slow,
    ):
        slow.mkdir()
        with atomic_destination(path, replace=False) as fast:
            fast.mkdir()
            (fast / "file").write_text("of the fast one")
    assert (path / "file").read_text() == "of the fast one"
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("length", [200, 201, 255])
def test_a_long_name_needs_no_longer_temporary_name(length, tmp_path):
    path = tmp_path / ("ü" * 50 + "n" * (length - 100))
    write_atomically(path, b"long")
    assert path.read_bytes() == b"long"


def test_long_names_that_begin_alike_have_different_temporary_names(tmp_path):
    paths = [tmp_path / ("n" * 240 + ending) for ending in "ab"]
    with atomic_destination(paths[0]) as first, atomic_destination(paths[1]) as second:
        first.write_text("a")
        second.write_text("b")
    assert [path.read_text() for path in paths] == ["a", "b"]


@pytest.mark.parametrize("in_file", [True, False])
def test_a_full_disk_names_the_target(in_file, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OSError, match="No space left") as caught, atomic_destination(path) as aside:
        raise OSError(errno.ENOSPC, "No space left on device", *([str(aside)] if in_file else []))
    assert caught.value.filename == str(path)


def test_an_error_on_another_file_keeps_its_name(tmp_path):
    with (
        pytest.raises(FileNotFoundError) as caught,
        atomic_destination(tmp_path / "file") as aside,
    ):
        aside.write_bytes((tmp_path / "missing").read_bytes())
    assert caught.value.filename == str(tmp_path / "missing")


def test_a_parent_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as caught:
        write_atomically(tmp_path / "file" / "below", b"")
    assert caught.value.filename == str(tmp_path / "file")


def test_what_a_killed_process_left_can_be_removed(tmp_path):
    (tmp_path / "file").write_text("whole")
    (tmp_path / ".hidden").write_text("mine")
    # Never left, as where the process is killed.
    contexts = [
        atomic_destination(tmp_path / "file"),
        atomic_destination(tmp_path / "model.keras", keep_suffix=True),
    ]
    file, folder = (context.__enter__() for context in contexts)
    file.write_text("half")
    folder.mkdir()
    (folder / "half").write_text("half")
    assert len(names(tmp_path)) == 4

    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".hidden", "file"]
    assert (tmp_path / "file").read_text() == "whole"


@pytest.mark.skipif(os.name == "nt", reason="there, processes are not asked after")
def test_what_a_killed_process_left_is_removed_by_the_next_that_writes(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f".file.{ended.pid}.tmp").write_text("half")
    (tmp_path / f".file.{ended.pid}-7.tmp.keras").mkdir()
    (tmp_path / f".other.{ended.pid}.tmp").write_text("of another target")
    (tmp_path / f".file.{os.getppid()}.tmp").write_text("of a process that runs")
    write_atomically(tmp_path / "file", b"all")
    kept = [f".file.{os.getppid()}.tmp", f".other.{ended.pid}.tmp", "file"]
    assert names(tmp_path) == sorted(kept)


@pytest.mark.skipif(os.name == "nt", reason="there, processes are not asked after")
def test_what_killed_processes_left_of_many_targets_is_removed_at_once(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f".a.json.{ended.pid}.tmp").write_text("half")
    (tmp_path / f".b.7.tmp.{ended.pid}.tmp").write_text("half")
    kept = [f".a.json.{os.getppid()}.tmp", f".a.txt.{ended.pid}.tmp", f"b.json.{ended.pid}.tmp"]
    for name in kept:
        (tmp_path / name).write_text("another's")
    remove_leftovers_of_the_dead(tmp_path, lambda name: name in ("a.json", "b.7.tmp"))
    assert names(tmp_path) == sorted(kept)


def test_a_writer_of_many_files_does_not_read_the_folder_for_each(tmp_path, monkeypatch):
    monkeypatch.setattr(type(tmp_path), "glob", lambda *_: pytest.fail("read the folder"))
    with atomic_destination(tmp_path / "file", sweep=False) as aside:
        aside.write_text("all")
    assert (tmp_path / "file").read_text() == "all"


@pytest.mark.parametrize("links", [True, False])
def test_without_replacing_a_file_is_written_where_there_is_none(links, tmp_path, monkeypatch):
    def refuse(*paths):
        raise PermissionError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "file"
    with atomic_destination(path, replace=False) as aside:
        aside.write_text("first")
    with pytest.raises(FileExistsError), atomic_destination(path, replace=False):
        pytest.fail("was to be refused")
    assert path.read_text() == "first" and names(tmp_path) == ["file"]


def test_of_two_that_write_at_once_one_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "file"
    link = os.link

    def link_later(source, target):
        path.write_text("theirs")  # after the last look at whether there is something
        link(source, target)

    monkeypatch.setattr(os, "link", link_later)
    with pytest.raises(FileExistsError), atomic_destination(path, replace=False) as aside:
        aside.write_text("mine")
    assert path.read_text() == "theirs" and names(tmp_path) == ["file"]
