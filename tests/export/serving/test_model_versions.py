import pytest

from keras_3dmmstn.export.serving.model_versions import next_version


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
