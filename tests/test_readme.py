"""The README's Python runs."""

import re

import cv2
import numpy as np
import pytest

from tests.support.paths import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def block_with(word):
    (block,) = (block for block in BLOCKS if word in block)
    return block


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_is_tested():
    assert len(BLOCKS) == 4


@pytest.mark.slow
def test_normalising(folder):
    pytest.importorskip("mtcnn", reason="the extra `detect` is not installed")
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    cv2.imwrite("holiday.jpg", data.astronaut()[..., ::-1])
    names = {}
    exec(block_with("Normaliser.pretrained"), names)
    assert names["face"].texture.shape == (112, 112, 3)


@pytest.mark.slow
def test_training(folder, rng):
    np.save("images.npy", rng.uniform(0, 255, (4, 224, 224, 3)).astype(np.float32))
    labels = rng.uniform(0, 223, (4, 68, 3)).astype(np.float32)
    np.save("landmarks.npy", labels)
    block = block_with("TrainingModel(")
    assert len([line for line in block.splitlines() if line.strip()]) <= 12
    names = {}
    exec(block.replace("epochs=100", "epochs=1, verbose=0"), names)
    assert names["textures"].shape == (4, 112, 112, 3)


def test_a_face_model_of_ones_own(folder):
    from keras_3dmmstn.mesh import GridModel
    from keras_3dmmstn.mesh.synthetic import toy_shape_model

    toy_shape_model().save("my_model.npz")
    exec(block_with("flatten_symmetric"), {})
    assert GridModel.load("my_grid_model.npz").grid_shape == (112, 112)


def test_photographs_of_ones_own(folder, rng, capsys):
    (folder / "passports").mkdir()
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(f"passports/{name}", np.zeros((200, 200, 3), np.uint8))
    (folder / "passports" / "b.jpg").write_bytes(b"broken")
    np.save("points.npy", rng.uniform(50, 150, (2, 68, 2)))
    block = block_with("joint_landmarks")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    exec(block, {})
    printed = capsys.readouterr().out
    assert printed.startswith("1 faces; left out: passports/b.jpg: ")
    assert (folder / "passport_crops" / "index.json").exists()


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target
