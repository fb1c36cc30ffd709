"""`keras-3dmmstn web`, run as a user runs it, without npm."""

import json

import pytest

from keras_3dmmstn.export import export_tflite, parity
from keras_3dmmstn.export.web import npm_packages
from tests.support.browsers import write_packages
from tests.support.command_line import assert_fails, names, run
from tests.support.small_network import small_normaliser


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    small_normaliser().save(folder)
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return write_packages(tmp_path_factory.mktemp("packages") / "node_modules")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export_tflite(small_normaliser(), tmp_path_factory.mktemp("exported") / "face.tflite")


@pytest.fixture(autouse=True)
def one_run_of_an_artefact(monkeypatch):
    """Fresh processes take seconds: the same latency is reported for both numbers of threads."""
    run_artefact, results = parity.run_artefact, {}

    def once(kind, artefact, images, threads):
        if artefact not in results:
            results[artefact] = run_artefact(kind, artefact, images, threads)
        return results[artefact]

    monkeypatch.setattr(parity, "run_artefact", once)


def test_weights_are_exported_into_a_site(weights, packages, tmp_path):
    out = tmp_path / "site"
    result = run("web", weights, "--out", out, "--packages", packages)
    assert result.exit_code == 0, result.output
    assert str(out) in result.output.replace("\n", "")
    card = json.loads((out / "site.json").read_text())["network"]
    assert card["precision"] == "float16"
    assert card["outputs"]["mask"]["method"] == "normals"
    assert "index.html" in names(out)


def test_precision_and_mask_can_be_chosen(weights, packages, tmp_path):
    options = ("--precision", "dynamic", "--visibility", "depth", "--packages", packages)
    result = run("web", weights, "--out", tmp_path / "site", *options)
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "site" / "site.json").read_text())["network"]
    assert card["precision"] == "dynamic" and card["outputs"]["mask"]["method"] == "depth"


def test_an_exported_file_is_taken_as_it_is(weights, exported, packages, tmp_path):
    out, model = tmp_path / "site", weights / "face_model.npz"
    result = run("web", exported, "--face-model", model, "--out", out, "--packages", packages)
    assert result.exit_code == 0, result.output
    assert (out / "models" / "network.tflite").read_bytes() == exported.read_bytes()


def test_an_exported_file_needs_its_face_model(exported, packages, tmp_path):
    result = run("web", exported, "--out", tmp_path / "site", "--packages", packages)
    assert_fails(result, "exported with the face model")
    assert not (tmp_path / "site").exists()


def test_options_that_do_not_go_together_are_named(weights, exported, tmp_path):
    out = tmp_path / "site"
    result = run("web", exported, "--precision", "float16", "--out", out)
    assert_fails(result, "is exported already: --precision goes with weights")
    result = run("web", weights, "--face-model", weights / "face_model.npz", "--out", out)
    assert_fails(result, "--face-model goes with a .tflite file")
    result = run("web", weights, "--precision", "int4", "--out", out)
    assert_fails(result, "received 'int4'")
    result = run("web", tmp_path / "missing.tflite", "--out", out)
    assert_fails(result, "there is no")
    assert not out.exists()


def test_without_npm_it_fails_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(npm_packages.shutil, "which", lambda name: None)
    result = run("web", "nowhere", "--out", tmp_path / "site")
    assert_fails(result, "there is no npm: install Node.js")
    assert names(tmp_path) == []


def test_a_folder_of_others_is_refused_at_once(tmp_path):
    (tmp_path / "holiday.txt").write_text("mine")
    result = run("web", "nowhere", "--out", tmp_path)
    assert_fails(result, "is something else: give another --out")
    assert names(tmp_path) == ["holiday.txt"]


def test_missing_packages_are_told_at_once(packages, tmp_path):
    (packages / "three" / "package.json").unlink()
    result = run("web", "nowhere", "--out", tmp_path / "site", "--packages", packages)
    assert_fails(result, "Expected a package of the page")
    assert not (tmp_path / "site").exists()


def test_a_mask_that_is_none_is_told_before_anything_is_read(tmp_path):
    result = run("web", tmp_path / "nothing", "--out", tmp_path / "site", "--visibility", "foo")
    assert_fails(result, "--visibility expects depth, table or normals, received 'foo'.")
