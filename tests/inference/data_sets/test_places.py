"""Folders, and URLs that pyarrow opens."""

import pickle
import sys

import pytest

from keras_3dmmstn.inference.data_sets.places import (
    LocalPlace,
    RemotePlace,
    folder_and_name,
    is_url,
    place_of,
    without_credentials,
)

SECRET = "s3://name:password@bucket/folder?endpoint_override=host:1&secret_key=x"


@pytest.fixture(params=["local", "remote"])
def place(request, tmp_path, monkeypatch):
    """A folder of this machine, by itself and through pyarrow."""
    if request.param == "local":
        return LocalPlace(tmp_path)
    pytest.importorskip("pyarrow")
    return RemotePlace(tmp_path.as_uri())


def test_what_was_written_is_read(place, tmp_path):
    place.write("folder/a.txt", b"words")
    assert place.read("folder/a.txt") == b"words" == (tmp_path / "folder/a.txt").read_bytes()
    with place.open("folder/a.txt") as file:
        assert file.read() == b"words"
    assert place.exists("folder/a.txt") and not place.exists("folder/b.txt")
    assert place.names("folder") == ["a.txt"] and place.names("nowhere") == []
    place.remove("folder/a.txt")
    place.remove("folder/a.txt")
    assert place.names("folder") == []


def test_a_file_appears_when_it_is_whole(place, tmp_path):
    with place.destination("folder/a.txt") as path:
        path.write_bytes(b"words")
        assert not (tmp_path / "folder/a.txt").exists()
    assert (tmp_path / "folder/a.txt").read_bytes() == b"words"
    with place.local_copy("folder/a.txt") as path:
        assert path.read_bytes() == b"words"


def test_a_file_whose_writing_fails_does_not_appear(place, tmp_path):
    with pytest.raises(OSError, match="full"), place.destination("folder/a.txt") as path:
        path.write_bytes(b"wor")
        raise OSError("full")
    assert not list(tmp_path.rglob("*.txt"))


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    (tmp_path / ".a.txt.123456.tmp").write_text("")
    LocalPlace(tmp_path).remove_leftovers("")
    assert not list(tmp_path.iterdir())


def test_everything_below_a_url_is_listed_in_order(tmp_path):
    pytest.importorskip("pyarrow")
    place = RemotePlace(tmp_path.as_uri())
    for name in ("b/2.jpg", "a.jpg", "b/c/1.jpg"):
        place.write(name, b"")
    place.remove_leftovers("")  # there are none
    assert place.below() == ["a.jpg", "b/2.jpg", "b/c/1.jpg"]
    with pytest.raises(FileNotFoundError):
        RemotePlace((tmp_path / "nowhere").as_uri()).below()


def test_places_are_sent_to_other_processes(tmp_path):
    pytest.importorskip("pyarrow")
    place = RemotePlace(tmp_path.as_uri())
    place.write("a", b"words")
    assert pickle.loads(pickle.dumps(place)).read("a") == b"words"


def test_paths_and_urls_are_told_apart(tmp_path):
    assert is_url("s3://bucket/folder") and not is_url("folder/a") and not is_url(tmp_path)
    assert place_of((tmp_path / "a b").as_uri()).folder == tmp_path / "a b"
    assert place_of("folder").path("/absolute").as_posix() == "/absolute"
    assert folder_and_name("s3://bucket/folder/a.csv?region=x") == (
        "s3://bucket/folder?region=x",
        "a.csv",
    )
    assert folder_and_name("folder/a.csv") == ("folder", "a.csv")


def test_nobody_is_shown_a_password():
    assert without_credentials(SECRET) == "s3://bucket/folder"
    assert without_credentials("folder?a@b") == "folder?a@b"


def test_a_url_of_no_file_system_is_refused():
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match=r"^gopher://host/a: expected a path or a URL"):
        place_of("gopher://user:password@host/a")


def test_without_pyarrow_a_url_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"s3://bucket/other needs pyarrow: pip install"):
        place_of("s3://bucket/other")
