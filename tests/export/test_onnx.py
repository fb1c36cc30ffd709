"""The ONNX file: answers, batch, names, metadata, and what is left when it cannot be written."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_3dmmstn.export.card import CARD_KEY, network_card
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.onnx import OPSET, export_onnx, onnx_model
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel
from tests.support.small_network import SIZE, small_normaliser

onnx = pytest.importorskip("onnx", reason="the extra `export` is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")

# Differences in the order of summation of some hundred float32 numbers of up to SIZE pixels; of the
# texture times up to 255 levels between neighbouring pixels.
CLOSE = {"parameters": 1e-4, "landmarks": 1e-4, "texture": 0.0255, "mask": 0}


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser()


@pytest.fixture(scope="module")
def network(normaliser):
    return trained_network(normaliser)


@pytest.fixture(scope="module")
def content(normaliser, network):
    return onnx_model(network, network_card(normaliser))


def session_of(model):
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def exported(normaliser, network, content):
    """A function from options of `trained_network` to the network and a session of its file."""
    made = {(): (network, session_of(content))}

    def network_and_session(**options):
        key = tuple(options.items())
        if key not in made:
            network = trained_network(normaliser, **options)
            made[key] = network, session_of(onnx_model(network))
        return made[key]

    return network_and_session


@pytest.mark.parametrize("batch", [1, 3])
def test_answers_are_those_of_keras_whatever_the_batch(exported, rng, batch):
    images = rng.uniform(0, 255, (batch, SIZE, SIZE, 3)).astype(np.float32)
    network, session = exported()
    names = [output.name for output in session.get_outputs()]
    received = dict(zip(names, session.run(None, {"image": images}), strict=True))
    expected = network(images, training=False)
    assert set(received) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(received[name], values, atol=CLOSE[name], err_msg=name)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_larger_texture_is_that_of_keras(exported, rng, batch):
    network, session = exported(texture_size=224)
    images = rng.uniform(0, 255, (batch, SIZE, SIZE, 3)).astype(np.float32)
    received = session.run(["texture", "mask"], {"image": images})
    expected = network(images, training=False)
    for name, values in zip(("texture", "mask"), received, strict=True):
        assert values.shape[:3] == (batch, 224, 224)
        np.testing.assert_allclose(values, expected[name], atol=CLOSE[name], err_msg=name)


def masks(network, session, images):
    """The masks that a network and its ONNX file give."""
    (received,) = session.run(["mask"], {"image": images})
    return network(images, training=False)["mask"].numpy(), received


def test_masks_by_table_are_those_of_keras(exported, rng):
    images = rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    expected, received = masks(*exported(visibility="table"), images)
    np.testing.assert_array_equal(received, expected)


def test_masks_by_depth_are_those_of_keras(rng):
    normaliser = small_normaliser(GridModel.bundled())
    images = rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    network = trained_network(normaliser, visibility="depth")
    expected, received = masks(network, session_of(onnx_model(network)), images)
    by_normals = trained_network(normaliser, visibility="normals")
    normals = by_normals(images, training=False)["mask"].numpy()
    assert (expected != normals).mean() > 0.01  # the nose hides a cheek
    # A sample that rounding puts into another pixel decides for a few vertices.
    assert (received != expected).mean() < 0.001


def test_shapes_names_and_operators(content):
    model = onnx.load_from_string(content)
    (given,) = model.graph.input
    shape = [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
    assert given.name == "image" and shape == ["batch", SIZE, SIZE, 3]
    first = {o.name: o.type.tensor_type.shape.dim[0].dim_param for o in model.graph.output}
    assert first == dict.fromkeys(["parameters", "landmarks", "texture", "mask"], "batch")
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    assert {node.domain for node in model.graph.node} == {""}


@pytest.mark.parametrize(
    ("visibility", "told"), [("depth", None), ("normals", None), ("depth", "normals")]
)
def test_a_file_masks_like_its_source_unless_told_otherwise(
    visibility, told, normaliser, tmp_path, rng
):
    source = Normaliser(normaliser.localiser, normaliser.grid_model, visibility)
    path = export_onnx(source, tmp_path / "face.onnx", visibility=told)
    properties = {p.key: p.value for p in onnx.load(path).metadata_props}
    method = told or visibility
    assert json.loads(properties[CARD_KEY])["outputs"]["mask"]["method"] == method
    images = rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)
    network = trained_network(source, visibility=method)
    expected, received = masks(network, session_of(path), images)
    np.testing.assert_array_equal(received, expected)


# Without a word, masks are by depth.
@pytest.mark.parametrize("options", [{}, {"visibility": "normals"}, {"visibility": "table"}])
def test_a_batch_of_none_has_no_outputs(options, exported):
    network, session = exported(**options)
    outputs = session.run(None, {"image": np.zeros((0, SIZE, SIZE, 3), np.float32)})
    # Not of the network itself: TensorFlow's own convolution fails on no images on some processors.
    expected = {name: (0, *tensor.shape[1:]) for name, tensor in network.output.items()}
    shapes = {o.name: value.shape for o, value in zip(session.get_outputs(), outputs, strict=True)}
    assert shapes == expected


@pytest.mark.parametrize("output", ["confidence", "spread"])
def test_confidence_and_spread_are_further_outputs(output, rng):
    sure = small_normaliser(confidence=True)
    network, card = trained_network(sure), network_card(sure)
    content = onnx_model(network, card)
    session = session_of(content)
    images = rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    (received,) = session.run([output], {"image": images})
    assert list(received.shape) == [3, card["outputs"][output]["shape"][1]]
    np.testing.assert_allclose(received, network(images)[output], atol=1e-5)
    assert np.ptp(received) > 1e-4


def test_the_card_is_in_the_metadata(content, normaliser):
    properties = {p.key: p.value for p in onnx.load_from_string(content).metadata_props}
    assert json.loads(properties[CARD_KEY]) == network_card(normaliser)


def test_a_file_that_exists_is_left_alone(normaliser, tmp_path):
    path = tmp_path / "face.onnx"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"face\.onnx exists"):
        export_onnx(normaliser, path)
    assert path.read_text() == "mine"


def test_a_full_disk_leaves_nothing(normaliser, content, tmp_path, monkeypatch):
    def full(path, content):
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError("disk full")

    monkeypatch.setattr("keras_3dmmstn.export.onnx.onnx_model", lambda network, card: content)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="disk full"):
        export_onnx(normaliser, tmp_path / "new" / "face.onnx")
    assert list(tmp_path.iterdir()) == []


def test_another_network_is_refused():
    image = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="An export is made of a network of `spatial_transformer`"):
        onnx_model(keras.Model(image, image + 1))


def test_a_missing_extra_is_named(network, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r"keras-3dmmstn\[export\]"):
        onnx_model(network)
