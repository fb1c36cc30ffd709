"""`keras-3dmmstn normalise` on folders of photographs."""

import os
import shutil

import pytest

from keras_3dmmstn.cli import photograph_files, written_results
from tests.support.command_line import assert_fails, names, run
from tests.support.photograph_folders import add_photograph, results


def test_a_folder_keeps_its_structure(normalise, tmp_path):
    photographs = tmp_path / "photographs"
    for name in ("x.png", "a/x.JPG", "a/b/y.jpeg"):
        add_photograph(photographs / name)
    for name in (".x.png", ".hidden/x.png", "a/notes.txt", "a/x.json"):
        add_photograph(photographs / name)
    result = normalise(photographs)
    assert result.exit_code == 0, result.output
    assert results(tmp_path / "out") == {
        "x_0.json": "../photographs/x.png",
        "a/x_0.json": "../../photographs/a/x.JPG",
        "a/b/y_0.json": "../../../photographs/a/b/y.jpeg",
    }
    out = tmp_path / "out"
    lines = [f"{out / name}: 1 face" for name in ("x", "a/x", "a/b/y")]
    assert result.output.splitlines() == lines


def test_pictures_that_the_command_wrote_are_no_photographs(normalise, weights, tmp_path):
    photographs = tmp_path / "photographs"
    add_photograph(photographs / "x.png")
    options = ("--out", photographs, "--weights", weights, "--front", "--front-size", 32)
    for _ in range(2):
        assert run("normalise", photographs, *options).output == f"{photographs / 'x'}: 1 face\n"
    add_photograph(photographs / "x_1_texture.png")  # no result: without a JSON
    normalise(photographs)
    assert sorted(results(tmp_path / "out")) == ["x_0.json", "x_1_texture_0.json"]


def test_faceless_photographs_of_a_folder_are_counted_apart(normalise, faces, tmp_path):
    faces(0)
    photographs = [add_photograph(tmp_path / "in" / name) for name in ("a.png", "b.png")]
    result = normalise(tmp_path / "in")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        *(f"{photograph}: no face was found." for photograph in photographs),
        "No face was found in 2 of 2 photographs.",
    ]
    photographs[0].write_bytes(b"no image")
    result = normalise(tmp_path / "in")
    assert_fails(result, "a.png: expected an image", "No face was found in 1 of 2 photographs.")
    assert "1 of 2 photographs failed." in result.output


def test_a_folder_without_photographs_is_named(normalise, tmp_path):
    (tmp_path / "in").mkdir()
    assert_fails(normalise(tmp_path / "in"), "in: expected photographs (.avif, .bmp,", "found none")


def test_a_folder_that_cannot_be_read_is_named_while_the_others_go_on(
    normalise, tmp_path, monkeypatch
):
    add_photograph(tmp_path / "in" / "x.png")
    (tmp_path / "in" / "locked").mkdir()
    scandir = os.scandir

    def locked(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(photograph_files.os, "scandir", locked)
    assert_fails(normalise(tmp_path / "in"), "locked: Permission denied.")
    assert list(results(tmp_path / "out")) == ["x_0.json"]


def test_a_box_goes_with_no_folder(weights, tmp_path):
    options = ("--out", tmp_path / "out", "--weights", weights, "--box", "20,20,80,80")
    assert_fails(run("normalise", tmp_path, *options), "one photograph, received the folder")


def test_a_name_too_long_for_results_is_named_while_the_others_go_on(normalise, tmp_path):
    for name in ("n" * 248 + ".png", "x.png"):
        add_photograph(tmp_path / "in" / name)
    result = normalise(tmp_path / "in", tmp_path / ("m" * 300 + ".png"))
    assert_fails(result, "nnnn_0_texture.png: File name too long.", "mmmm.png: File name too long.")
    assert "2 of 3 photographs failed." in result.output
    assert list(results(tmp_path / "out")) == ["x_0.json"]


def test_a_file_where_a_folder_of_results_belongs_is_named(normalise, tmp_path):
    for name in ("a/x.png", "b/x.png"):
        add_photograph(tmp_path / "in" / name)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("mine")
    result = normalise(tmp_path / "in")
    assert_fails(result, f"{tmp_path / 'out' / 'a'}: expected a folder, but a file is there.")
    assert list(results(tmp_path / "out")) == ["b/x_0.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_no_photograph(tmp_path):
    add_photograph(tmp_path / "in" / "x.png")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    found, troubles = photograph_files.photograph_files([tmp_path / "in"])
    assert [photograph.path.name for photograph in found] == ["x.png"] and not troubles


def test_names_of_240_characters_are_no_trouble(weights, faces, tmp_path):
    stem = "n" * 236
    photograph = add_photograph(tmp_path / "in" / f"{stem}.png")
    out, options = tmp_path / "out", ("--weights", weights, "--front", "--front-size", 32)
    for source in (photograph, tmp_path / "in"):
        result = run("normalise", source, "--out", out, *options)
        assert result.exit_code == 0, result.output
        endings = (".json", "_front.png", "_mask.png", "_texture.png")
        expected = [f"{stem}_0{ending}" for ending in endings] + [f"{stem}_overlay.jpg"]
        assert names(out) == sorted(expected)


def test_a_hidden_photograph_that_is_named_is_normalised(normalise, tmp_path):
    hidden = [add_photograph(tmp_path / ".in" / name) for name in (".x.png", ".png")]
    result = normalise(*hidden)
    assert result.exit_code == 0, result.output
    assert results(tmp_path / "out") == {
        ".x_0.json": "../.in/.x.png",
        ".png_0.json": "../.in/.png",
    }
    assert names(tmp_path / ".in") == [".png", ".x.png"]


def test_links_to_photographs_and_folders_are_normalised_under_their_own_names(normalise, tmp_path):
    photograph = add_photograph(tmp_path / "in" / "x.png")
    (tmp_path / "in" / "y.png").symlink_to(photograph)
    (tmp_path / "linked").symlink_to(tmp_path / "in")
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    result = normalise(tmp_path / "linked")
    assert result.exit_code == 0, result.output
    assert results(tmp_path / "real") == {"x_0.json": "../in/x.png", "y_0.json": "../in/y.png"}
    assert normalise(tmp_path / "in").exit_code == 0  # by another way they are the same
    assert sorted(results(tmp_path / "real")) == ["x_0.json", "y_0.json"]


def test_links_to_nothing_and_in_a_circle_are_named_while_the_others_go_on(normalise, tmp_path):
    add_photograph(tmp_path / "in" / "x.png")
    (tmp_path / "in" / "lost.png").symlink_to(tmp_path / "none.png")
    (tmp_path / "in" / "circle.png").symlink_to(tmp_path / "in" / "circle.png")
    result = normalise(tmp_path / "in")
    assert_fails(result, "lost.png: No such file", "circle.png: Too many levels", "2 of 3")
    assert list(results(tmp_path / "out")) == ["x_0.json"]


def test_a_result_that_is_a_link_leaves_what_it_leads_to(normalise, tmp_path):
    photograph = add_photograph(tmp_path / "x.png")
    assert normalise(photograph).exit_code == 0
    texture, mine = tmp_path / "out" / "x_0_texture.png", tmp_path / "mine.txt"
    mine.write_text("mine")
    texture.unlink()
    texture.symlink_to(mine)
    assert normalise(photograph).exit_code == 0
    assert mine.read_text() == "mine" and not texture.is_symlink()


def test_results_that_somebody_removes_while_others_are_written_are_missed(
    normalise, monkeypatch, tmp_path
):
    def disturbed(results, *arguments):
        if (tmp_path / "out").exists():
            shutil.rmtree(tmp_path / "out")
        return write_results(results, *arguments)

    write_results = written_results.write_results
    monkeypatch.setattr(written_results, "write_results", disturbed)
    for name in ("a.png", "b.png"):
        add_photograph(tmp_path / "in" / name)
    result = normalise(tmp_path / "in")
    assert_fails(result, "Of 1 photographs the results were removed", "1 of 2 photographs failed.")
