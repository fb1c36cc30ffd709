"""VGG-Face: the architecture, and its weights from MatConvNet's file."""

import keras
import numpy as np
import pytest

from keras_3dmmstn import spatial_transformer
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.vgg_face import BLOCKS, vgg_face_backbone
from keras_3dmmstn.network.vgg_face_file import read_vgg_face
from tests.support.vgg_face_mat import MEAN_COLOUR, small_layers, write_mat

SIZE = 32  # the last feature map is one pixel, and so is the small file's fc6


@pytest.fixture
def layers(rng):
    return small_layers(rng, fc6_side=1)


def change(layers, changed_name, **fields):
    """Returns the layers with some fields of one exchanged."""
    changed = [dict(layer) for layer in layers]
    for layer in changed:
        if layer["name"] == changed_name:
            layer.update(fields)
    return changed


def pair(kernel, bias):
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = kernel, bias
    return cell


def matconvnet_features(layers, image):
    """The features up to fc7 by MatConvNet's definitions, in loops and float64.

    vl_nnconv: y(i, j, k) = b(k) + Σ x(i + u - pad, j + v - pad, c) f(u, v, c, k), zero outside.
    vl_nnpool: the largest of 2 x 2, stride 2, padded by 0 1 0 1 (top, bottom, left, right).
    """
    x = image.astype(float) - np.array(MEAN_COLOUR)
    for layer in layers:
        if layer["name"] == "fc8":
            return x.ravel()
        if layer["type"] == "conv":
            kernel, bias = layer["weights"][0].tolist()
            pad = int(layer["pad"][0, 0])
            x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
            side = kernel.shape[0]
            rows, columns = x.shape[0] - side + 1, x.shape[1] - side + 1
            y = np.zeros((rows, columns, kernel.shape[3])) + bias[:, 0]
            for u in range(side):
                for v in range(side):
                    y += x[u : u + rows, v : v + columns] @ kernel[u, v].astype(float)
            x = y
        elif layer["type"] == "relu":
            x = np.maximum(x, 0)
        elif layer["type"] == "pool":
            top, bottom, left, right = layer["pad"][0].astype(int)
            x = np.pad(x, ((top, bottom), (left, right), (0, 0)), constant_values=-np.inf)
            rows, columns = (x.shape[0] - 2) // 2 + 1, (x.shape[1] - 2) // 2 + 1
            y = np.empty((rows, columns, x.shape[2]))
            for row in range(rows):
                for column in range(columns):
                    window = x[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                    y[row, column] = window.max(axis=(0, 1))
            x = y


@pytest.mark.parametrize(("fc6_side", "size"), [(1, 32), (2, 64)])
def test_features_are_those_of_matconvnet(fc6_side, size, rng, tmp_path):
    layers = small_layers(rng, fc6_side)
    image = rng.uniform(0, 255, (size, size, 3)).astype(np.float32)
    expected = matconvnet_features(layers, image)
    assert (expected > 0).any()
    backbone = vgg_face_backbone(write_mat(tmp_path / "vgg-face.mat", layers), size)
    features = backbone(image[None])[0].numpy()
    # 15 float32 layers on levels of up to 255
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
def test_the_paper_s_network_has_the_published_sizes(monkeypatch):
    # To draw 134 million random numbers takes long.
    monkeypatch.setattr(
        keras.initializers.VarianceScaling,
        "__call__",
        lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype),
    )
    backbone = vgg_face_backbone()
    assert backbone.output_shape == (None, 4096)
    assert backbone.get_layer("fc6").kernel.shape == (7, 7, 512, 4096)
    assert backbone.get_layer("pool5").output.shape == (None, 7, 7, 512)
    # Parkhi et al. 2015: 13 convolutions and three fully connected layers, here two.
    assert sum(map(len, BLOCKS)) == 15
    assert backbone.count_params() == 134_260_544


def test_the_new_head_predicts_the_mean_face_upright_and_centred(layers, rng, tmp_path):
    path = write_mat(tmp_path / "vgg-face.mat", layers)
    face = toy_grid_model((16, 16))
    backbone = vgg_face_backbone(path, SIZE)
    model = spatial_transformer(face, backbone=backbone, image_size=SIZE)
    theta = model(rng.uniform(0, 255, (2, SIZE, SIZE, 3)))["parameters"].numpy()
    np.testing.assert_array_equal(theta[:, :3], 0)
    np.testing.assert_array_equal(theta[:, 6:], 0)
    landmarks = model(np.zeros((1, SIZE, SIZE, 3)))["landmarks"].numpy()[0]
    np.testing.assert_allclose(
        (landmarks.min(axis=0) + landmarks.max(axis=0)) / 2, (SIZE - 1) / 2, atol=1e-3
    )


def test_a_size_that_fc6_does_not_cover_is_named(layers, tmp_path):
    path = write_mat(tmp_path / "vgg-face.mat", layers)
    with pytest.raises(ValueError, match="received 64, which makes it 2"):
        vgg_face_backbone(path, 64)
    with pytest.raises(ValueError, match="the 7 pixels wide that fc6 covers, received 112"):
        vgg_face_backbone(image_size=112)


def test_an_average_image_is_reduced_to_its_colour(layers, tmp_path):
    average = np.zeros((4, 6, 3), np.float32)
    average[:2] = [10, 20, 30]
    path = write_mat(tmp_path / "vgg-face.mat", layers, average)
    assert read_vgg_face(path, [list(block) for block in BLOCKS]).mean_colour == (5, 10, 15)


def test_a_file_of_one_struct_and_dropout_layers_are_read(layers, tmp_path):
    blocks = [list(block) for block in BLOCKS]
    plain = read_vgg_face(write_mat(tmp_path / "a.mat", layers), blocks)
    position = [layer["name"] for layer in layers].index("fc7")
    with_dropout = [*layers[:position], {"name": "dropout6", "type": "dropout", "rate": 0.5}]
    with_dropout += layers[position:]
    struct = read_vgg_face(write_mat(tmp_path / "b.mat", with_dropout, inside="net"), blocks)
    assert struct.mean_colour == plain.mean_colour == MEAN_COLOUR
    for name, (kernel, bias) in plain.convolutions.items():
        np.testing.assert_array_equal(struct.convolutions[name][0], kernel)
        np.testing.assert_array_equal(struct.convolutions[name][1], bias)


def test_faults_name_the_layer(layers, tmp_path):
    nan = np.full((3, 3, 3, 4), np.nan, np.float32)
    ones = np.ones((4, 1), np.float32)
    faults = {
        "conv3_1 to have a kernel of shape": change(
            layers, "conv3_1", weights=pair(np.zeros((3, 3, 9, 4)), ones)
        ),
        "conv3_1 to have a kernel of shape (3, 3, 3, 4)": change(
            layers, "conv3_1", weights=pair(np.zeros((5, 5, 3, 4)), ones)
        ),
        "finite weights in layer conv3_1": change(layers, "conv3_1", weights=pair(nan, ones)),
        "conv3_1 to have a kernel and a bias": change(layers, "conv3_1", weights=ones[:1]),
        "conv3_1 to have padding 1": change(layers, "conv3_1", pad=0.0),
        "fc6 to have padding 0": change(layers, "fc6", pad=np.ones((1, 4))),
        "conv1_2 to have padding 1 and stride 1": change(layers, "conv1_2", stride=2.0),
        "pool2 to take the maximum": change(layers, "pool2", method="avg"),
        "pool3 to take the maximum": change(layers, "pool3", pool=np.array([[3.0, 3.0]])),
        "relu1_1 of type 'relu'": change(layers, "relu1_1", type="sigmoid"),
        "expected layer fc7, received fc9": change(layers, "fc7", name="fc9"),
        "relu7 of type 'relu', received the end": layers[:34],
    }
    for number, (message, faulty) in enumerate(faults.items()):
        path = write_mat(tmp_path / f"{number}.mat", faulty)
        with pytest.raises(ValueError) as error:
            vgg_face_backbone(path, SIZE)
        assert message in str(error.value) and str(path) in str(error.value)


def test_other_and_damaged_files_are_named(layers, tmp_path):
    from scipy.io import savemat

    whole = write_mat(tmp_path / "whole.mat", layers).read_bytes()
    (tmp_path / "half.mat").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.mat").write_bytes(b"no weights at all")
    (tmp_path / "empty.mat").write_bytes(b"")
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file" + b" " * 105 + b"\x00\x02IM" + whole)
    for name in ("half", "text", "empty", "new"):
        with pytest.raises(ValueError, match=rf"{name}\.mat: expected a MATLAB file"):
            vgg_face_backbone(tmp_path / f"{name}.mat", SIZE)
    savemat(tmp_path / "other.mat", {"x": np.ones(3)})
    with pytest.raises(ValueError, match=r"other\.mat: expected MatConvNet's vgg-face\.mat"):
        vgg_face_backbone(tmp_path / "other.mat", SIZE)
    path = write_mat(tmp_path / "grey.mat", layers, np.zeros((2, 2), np.float32))
    with pytest.raises(
        ValueError, match=r"an average image in .*received an array of shape \(2, 2\)"
    ):
        vgg_face_backbone(path, SIZE)
    with pytest.raises(FileNotFoundError):
        vgg_face_backbone(tmp_path / "missing.mat", SIZE)
