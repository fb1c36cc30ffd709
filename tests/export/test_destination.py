import pytest

from keras_3dmmstn.export.destination import next_version, written_aside


def test_a_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / "new" / "file"
    with written_aside(path) as aside:
        aside.write_text("all")
        assert aside.parent == path.parent and not path.exists()
    assert path.read_text() == "all"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_appears_when_all_is_written(tmp_path):
    path = tmp_path / "folder"
    with written_aside(path) as aside:
        aside.mkdir()
        (aside / "file").write_text("all")
    assert (path / "file").read_text() == "all"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(error, tmp_path):
    with pytest.raises(error), written_aside(tmp_path / "a" / "b" / "folder") as aside:
        aside.mkdir()
        (aside / "half").write_text("ha")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_other_things_beside_it_stay_after_an_error(tmp_path):
    (tmp_path / "other").write_text("other")
    with pytest.raises(ValueError), written_aside(tmp_path / "file"):
        raise ValueError
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_what_exists_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=f"{path} exists"), written_aside(path):
        pytest.fail("was to be refused")
    assert path.read_text() == "mine"


def test_what_appeared_meanwhile_is_kept(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileExistsError), written_aside(path) as aside:
        aside.write_text("mine")
        path.write_text("theirs")
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), written_aside(tmp_path / "file"):
        pass


def test_versions_are_counted_from_1(tmp_path):
    assert next_version(tmp_path / "face") == tmp_path / "face" / "1"


def test_the_next_version_follows_the_largest_number(tmp_path):
    for name in ("2", "10", ".10.tmp"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path).name == "11"


def test_a_folder_with_other_things_takes_no_version(tmp_path):
    (tmp_path / "photographs").mkdir()
    with pytest.raises(FileExistsError, match=f"{tmp_path} holds photographs"):
        next_version(tmp_path)


def test_a_file_takes_no_version(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="received the file"):
        next_version(tmp_path / "file")
