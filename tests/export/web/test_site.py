"""The folder of a site: what is in it, and what becomes of what was there."""

import base64
import hashlib
import json
import re

import pytest

from keras_3dmmstn.export.mobile.tflite import tflite_card
from keras_3dmmstn.export.web import site
from keras_3dmmstn.export.web.search_network import search_network
from keras_3dmmstn.export.web.site import check_card, check_replaceable, write_site
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.browsers import PAGE, write_packages
from tests.support.command_line import names
from tests.support.small_network import small_normaliser

MODEL = b"the network"


@pytest.fixture(scope="module")
def card():
    # What operators a file has does not matter here.
    return tflite_card(small_normaliser(), search_network()[1], "float16", "ibug68")


@pytest.fixture
def packages(tmp_path):
    return write_packages(tmp_path / "packages" / "node_modules")


@pytest.fixture
def write(card, packages):
    def write(folder, **options):
        given = {"packages": packages, **options}
        return write_site(folder, MODEL, card, toy_grid_model((16, 12)), **given)

    return write


def test_a_site_has_all_that_the_page_asks_for(write, card, tmp_path):
    folder = write(tmp_path / "new" / "site")
    assert folder == tmp_path / "new" / "site"
    assert {"index.html", "page.css", "icon.svg", "example.jpg", "LICENSES.txt"} <= set(
        names(folder)
    )
    models = ["face_model.bin", "look.tflite", "network.tflite", "search.tflite"]
    assert names(folder / "models") == models
    assert (folder / "models" / "network.tflite").read_bytes() == MODEL
    about = json.loads((folder / "site.json").read_text())
    assert about["network"] == card and about["face_model"]["grid"] == [16, 12]
    assert about["packages"]["three"] == "0.187.0"
    for script in (PAGE / "js").iterdir():
        assert (folder / "js" / script.name).read_text() == script.read_text()
    assert not list(folder.glob("**/package*.json")), "what npm needs is no part of the site"
    assert names(tmp_path / "new") == ["site"]


def test_the_steps_are_told(write, tmp_path):
    told = []
    write(tmp_path / "site", progress=told.append)
    assert told == ["Writing the site"]


def test_a_site_is_replaced(write, tmp_path):
    folder = write(tmp_path / "site")
    (folder / "old.txt").write_text("old")
    write(folder)
    assert "old.txt" not in names(folder) and "site.json" in names(folder)
    assert not list(tmp_path.glob(".*"))


def test_an_empty_folder_is_used(write, tmp_path):
    (tmp_path / "site").mkdir()
    assert "site.json" in names(write(tmp_path / "site"))


def test_a_link_to_a_site_stays_one(write, tmp_path):
    folder, link = write(tmp_path / "real" / "site"), tmp_path / "site"
    link.symlink_to(folder)
    (folder / "old.txt").write_text("old")
    write(link)
    assert link.is_symlink() and "old.txt" not in names(folder)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": "something else"}'])
def test_a_folder_of_others_is_refused(write, tmp_path, content):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "holiday.txt").write_text("mine")
    if content is not None:
        (folder / "site.json").write_text(content)
    before = names(folder)
    with pytest.raises(FileExistsError, match=r"a site to replace, but .* is something else"):
        write(folder)
    assert names(folder) == before


def test_a_file_is_refused(tmp_path):
    path = tmp_path / "site"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="is something else"):
        check_replaceable(path)
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match="is something else"):
        check_replaceable(path)


def test_what_fails_leaves_the_former_site(write, packages, tmp_path):
    folder = write(tmp_path / "site")
    (folder / "old.txt").write_text("old")
    (packages / "three" / "LICENSE").unlink()
    with pytest.raises(FileNotFoundError):
        write(folder)
    assert "old.txt" in names(folder)
    assert names(tmp_path) == ["packages", "site"]


def test_what_fails_leaves_nothing_where_nothing_was(write, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError("npm could not fetch")

    monkeypatch.setattr(site, "fetch_packages", fail)
    with pytest.raises(OSError, match="npm could not fetch"):
        write(tmp_path / "new" / "site", packages=None)
    assert not (tmp_path / "new").exists()


def test_a_network_for_any_batch_is_refused(card):
    any_batch = {**card, "input": {**card["input"], "shape": [None, 48, 48, 3]}}
    with pytest.raises(ValueError, match="one image at a time, received keras_3dmmstn tflite"):
        check_card(any_batch)
    with pytest.raises(ValueError, match="received another format"):
        check_card({key: value for key, value in card.items() if key != "format"})


def test_other_landmarks_are_refused(card):
    landmarks = {**card["outputs"]["landmarks"], "set": "aflw21"}
    with pytest.raises(ValueError, match="landmarks ibug68, received a network with aflw21"):
        check_card({**card, "outputs": {**card["outputs"], "landmarks": landmarks}})


def test_the_page_allows_its_own_import_map():
    """The page's policy names the map by its hash: with another one, no module is found."""
    text = (PAGE / "index.html").read_text()
    (content,) = re.findall(r'<script type="importmap">(.*?)</script>', text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in text
