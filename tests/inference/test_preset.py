"""Presets: written, read again, by name, and fetched from a hub on this machine."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.preset import card_with_front_matter, preset_folder
from tests.support.hub_server import COMMIT, hub_server
from tests.support.paths import ROOT
from tests.support.small_network import small_normaliser

BOX = [[60.0, 50.0, 160.0, 150.0]]
FILES = ["README.md", "config.json", "face_model.npz", "localiser.keras"]


@pytest.fixture(scope="module")
def normaliser():
    small = small_normaliser()
    return Normaliser(small.localiser, small.grid_model, "normals", texture_size=64, fill="mirror")


@pytest.fixture
def preset(normaliser, tmp_path):
    return normaliser.save_to_preset(tmp_path / "preset")


def assert_same_faces(one, other, rng):
    photograph = rng.integers(0, 256, (200, 240, 3), np.uint8)
    (expected,), (received,) = one(photograph, BOX), other(photograph, BOX)
    for name in ("texture", "mask", "points"):
        np.testing.assert_array_equal(getattr(received, name), getattr(expected, name))


def test_a_preset_makes_the_same_normaliser(normaliser, preset, rng):
    assert sorted(path.name for path in preset.iterdir()) == FILES
    again = Normaliser.from_preset(preset)
    assert (again.visibility, again.texture_size, again.fill) == ("normals", 64, "mirror")
    assert_same_faces(normaliser, again, rng)


def test_settings_may_be_others(preset):
    other = Normaliser.from_preset(str(preset), texture_size=None, fill=None)
    assert (other.visibility, other.texture_size, other.fill) == ("normals", None, None)


def test_how_often_it_looks_is_kept_and_twice_if_nobody_said(tmp_path):
    preset = small_normaliser(looks=1).save_to_preset(tmp_path / "preset")
    assert Normaliser.from_preset(preset).looks == 1
    settings = json.loads((preset / "config.json").read_bytes())
    del settings["looks"]  # as in presets of before
    (preset / "config.json").write_text(json.dumps(settings))
    assert Normaliser.from_preset(preset).looks == 2


def test_the_camera_is_kept(tmp_path):
    small = small_normaliser()
    perspective = Normaliser(small.localiser, small.grid_model, focal_length=3.0)
    preset = perspective.save_to_preset(tmp_path / "preset")
    assert Normaliser.from_preset(preset).camera.focal_length == 3.0


def test_the_bundled_weights_are_a_preset(tmp_path):
    bundled = Normaliser.from_preset("compact")
    assert bundled.localiser.count_params() == Normaliser.pretrained().localiser.count_params()
    assert "What taught what" in bundled.card
    saved = bundled.save_to_preset(tmp_path / "mine")
    assert Normaliser.from_preset(saved).card == bundled.card
    assert (saved / "README.md").read_text().startswith("---\nlicense: ")


def test_a_card_says_what_is_known_in_front_matter_and_text(preset, normaliser):
    card = (preset / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: keras-3dmmstn\n") and card.count("---\n") == 2
    assert f"| weights | {normaliser.localiser.count_params():,} |" in card
    assert card_with_front_matter("# Mine\n", {}).endswith("---\n\n# Mine\n")


@pytest.mark.parametrize(
    "card", ["---\na: b\n---\n# Mine\n", "---\r\na: b\r\n---\r\n# Mine\r\n", "\n--- \na: b\n---"]
)
def test_a_card_with_front_matter_stays_as_it_is(card):
    assert card_with_front_matter(card, {}) == card


@pytest.mark.parametrize("card", ["---\n\nA rule comes first.\n", "---\n", ""])
def test_a_rule_is_no_front_matter(card):
    assert card_with_front_matter(card, {}).startswith("---\nlibrary_name: keras-3dmmstn\n")


def test_a_card_of_an_editor_that_marks_utf_8_keeps_its_front_matter(preset, tmp_path):
    (preset / "README.md").write_text("---\na: b\n---\n# Mine\n", encoding="utf-8-sig")
    again = Normaliser.from_preset(preset).save_to_preset(tmp_path / "again")
    assert (again / "README.md").read_text() == "---\na: b\n---\n# Mine\n"


@pytest.mark.parametrize("path", ["compact", "hf://somebody/faces"])
def test_nothing_is_written_where_it_would_not_be_read(path, normaliser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"the path of a folder, received '{path}'"):
        normaliser.save_to_preset(path)
    assert not list(tmp_path.iterdir())
    if path == "compact":
        normaliser.save_to_preset(tmp_path / path)


def test_a_file_that_was_not_fetched_whole_is_named(preset):
    path = preset / "localiser.keras"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(ValueError, match=r"localiser\.keras.* is cut short, or is no \.keras file"):
        Normaliser.from_preset(preset)


def test_what_is_there_is_not_overwritten(normaliser, preset):
    before = (preset / "config.json").read_bytes()
    with pytest.raises(FileExistsError):
        normaliser.save_to_preset(preset)
    assert (preset / "config.json").read_bytes() == before


@pytest.mark.parametrize("name", ["large", "no/such/folder"])
def test_a_preset_that_is_none_is_named(name):
    with pytest.raises(FileNotFoundError, match=f"compact, a folder or hf://.*'{name}'"):
        Normaliser.from_preset(name)


def test_a_folder_of_weights_alone_is_no_preset(normaliser, tmp_path):
    normaliser.save(tmp_path / "weights")
    with pytest.raises(FileNotFoundError, match=r"config\.json.*Normaliser\.load"):
        Normaliser.from_preset(tmp_path / "weights")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{", r"config\.json: expected the settings"),
        ("[]", r"config\.json: expected the settings"),
        ({"class": "keras_hub.Backbone"}, "class 'keras_hub.Backbone' of format 1"),
        ({"format": 2}, "format 2"),
        ({"class": None}, "class None"),
        ({"keras_3dmmstn": "9.1", "format": 2}, r"version 9\.1"),
        ({"keras_3dmmstn": "9.1", "colour": "red"}, r"version 9\.1 wrote colour, which 0\."),
        ({"visibility": "sonar"}, "sonar"),
        ({"texture_size": 1e9}, "texture_size|1000000000"),
        ({"fill": [1]}, "fill"),
        ({"looks": 3}, "Expected looks 1 or 2, received 3"),
        ({"looks": "2"}, "looks 1 or 2, received '2'"),
        ({"looks": True}, "looks 1 or 2, received True"),
    ],
)
def test_damaged_settings_are_named(change, message, preset):
    path = preset / "config.json"
    text = change if isinstance(change, str) else json.dumps(json.loads(path.read_bytes()) | change)
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Normaliser.from_preset(preset)


@pytest.mark.parametrize("address", ["hf://", "hf://user", "hf://a/b/c", "hf:///b", "hf://a/b@"])
def test_an_address_of_the_hub_has_a_user_and_a_name(address):
    pytest.importorskip("huggingface_hub")
    with pytest.raises(ValueError, match=r"Expected hf://user/name or hf://user/name@revision"):
        preset_folder(address)


def test_a_missing_package_for_the_hub_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r'pip install "keras-3dmmstn\[hub\]"'):
        preset_folder("hf://user/name")


_FETCH = """
from keras_3dmmstn.inference.preset import PresetConfig, preset_folder
import sys
for address in sys.argv[1:]:
    try:
        folder = preset_folder(address)
        print(sorted(path.name for path in folder.iterdir()), PresetConfig.load(folder))
    except OSError as error:
        print(error)
"""


def test_presets_are_fetched_from_the_hub(preset, tmp_path):
    pytest.importorskip("huggingface_hub")
    (preset / "photographs.zip").write_bytes(b"not ours to fetch")
    with hub_server("somebody/faces", preset) as address:
        # The hub's package looks at its environment when it is imported.
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "cache"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        wanted = ["hf://somebody/faces", f"hf://somebody/faces@{COMMIT}", "hf://nobody/faces"]
        run = subprocess.run(
            [sys.executable, "-c", _FETCH, *wanted],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
        )
    assert run.returncode == 0, run.stderr[-2000:]
    first, second, third = run.stdout.splitlines()
    assert (
        first
        == second
        == (f"{FILES} PresetConfig(visibility='normals', texture_size=64, fill='mirror', looks=2)")
    )
    assert third.startswith("hf://nobody/faces: the preset could not be fetched: ")
