"""The Python of the README and of the pages runs as it is shown there."""

from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import Normaliser
from tests.support.model_servers import grpc_server, rest_server
from tests.support.page_blocks import BLOCKS, check_exported, write_portrait
from tests.support.pages import PAGES, python_blocks

# What one of these pages exports, the other one reads.
OWN_TESTS = ("docs/export.md", "docs/serving.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run(page):
    blocks, known = python_blocks(PAGES[page]), BLOCKS.get(page, [])
    assert len(blocks) == len(known)
    for text, block in zip(blocks, known, strict=True):
        assert block.word in text


def run(page, number):
    """Runs a block of a page in the working folder."""
    block, text = BLOCKS[page][number], python_blocks(PAGES[page])[number]
    for write in block.files:
        write()
    for before, after in block.changes.items():
        assert before in text
        text = text.replace(before, after)
    names: dict[str, Any] = {}
    exec(compile(text, f"{page}, block {number}", "exec"), names)
    block.check(names)
    return names


@pytest.mark.parametrize(
    ("page", "number"),
    [
        pytest.param(page, number, marks=[pytest.mark.slow] if block.slow else [])
        for page, blocks in BLOCKS.items()
        if page not in OWN_TESTS
        for number, block in enumerate(blocks)
    ],
)
def test_a_block_runs(page, number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(page, number)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The folder in which the block of docs/export.md ran."""
    pytest.importorskip("tf2onnx", reason="the extra `export` is not installed")
    folder = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("docs/export.md", 0)
    return folder


@pytest.mark.slow
def test_the_exporters_write_what_the_page_says(exported, monkeypatch):
    monkeypatch.chdir(exported)
    check_exported({})


@pytest.mark.slow
def test_the_client_asks_a_server(exported, monkeypatch):
    monkeypatch.chdir(exported)
    model = tf.saved_model.load("exported/face/1")
    text = python_blocks(PAGES["docs/serving.md"])[0]
    with ExitStack() as servers:
        addresses = {
            "localhost:8500": servers.enter_context(grpc_server(model.signatures)),
            "http://localhost:8501": servers.enter_context(rest_server(model.signatures)),
        }
        write_portrait()
        for shown, address in addresses.items():
            assert f'"{shown}"' in text
            text = text.replace(f'"{shown}"', f'"{address}"')
        names: dict[str, Any] = {}
        exec(text, names)
    # The exported network sees the face once.
    (face,) = Normaliser.pretrained(looks=1)("holiday.jpg", [[88, 87, 181, 179]])
    np.testing.assert_allclose(names["faces"]["landmarks"][0], face.landmarks(), atol=0.5)


@pytest.mark.slow
def test_an_exported_model_is_fine_tuned(exported, monkeypatch):
    monkeypatch.chdir(exported)
    names = run("docs/serving.md", 1)
    assert len(names["gradients"]) == len(names["model"].trainable_variables) > 0
    assert all(gradient is not None for gradient in names["gradients"])
