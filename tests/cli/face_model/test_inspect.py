"""`keras-3dmmstn face-model inspect`, run as a user runs it."""

from tests.support.command_line import assert_fails, run


def inspect(*arguments):
    return run("face-model", "inspect", *arguments)


def test_inspect_prints_size_distortion_symmetry_and_landmarks(model):
    result = inspect(model)
    assert result.exit_code == 0, result.output
    for text in (
        "48 x 48",
        "3 identity, 3 expression",
        "flipped triangles",
        "grid taken by mouth",
        "mouth / outer eye distance, texture and face",
        "mean cell inside the lips",
        "landmarks ibug68",
        "68 points",
        "mm",
    ):
        assert text in result.output


def test_a_damaged_model_is_named(model, tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(model.read_bytes()[:-500])
    assert_fails(inspect(broken), "broken.npz")


def test_the_bundled_face_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("face-model", "inspect", "bundled")
    assert result.exit_code == 0, result.output
    assert "40 identity, 24 expression" in result.output
    (tmp_path / "bundled").write_text("a file of that name")
    assert_fails(run("face-model", "inspect", "bundled"), "Expected an .npz file of arrays")
