"""Writes a `vgg-face.mat` of small widths in MatConvNet's layout."""

import numpy as np
from scipy.io import savemat

WIDTHS = {"conv1": 2, "conv2": 3, "conv3": 4, "conv4": 5, "conv5": 6, "fc6": 7, "fc7": 8, "fc8": 3}
BLOCKS = (
    ["conv1_1", "conv1_2"],
    ["conv2_1", "conv2_2"],
    ["conv3_1", "conv3_2", "conv3_3"],
    ["conv4_1", "conv4_2", "conv4_3"],
    ["conv5_1", "conv5_2", "conv5_3"],
    ["fc6", "fc7", "fc8"],
)
MEAN_COLOUR = (129.5, 104.25, 93.75)


def small_layers(rng, fc6_side=7):
    """The 37 layers of VGG-Face as dicts, with few channels, in the file's order."""
    layers, channels = [], 3
    for number, block in enumerate(BLOCKS, start=1):
        for name in block:
            side = {"fc6": fc6_side, "fc7": 1, "fc8": 1}.get(name, 3)
            filters = WIDTHS[name.split("_")[0]]
            kernel = rng.normal(
                0, np.sqrt(2 / (side**2 * channels)), (side, side, channels, filters)
            )
            weights = np.empty((1, 2), object)
            weights[0, 0] = kernel.astype(np.float32)
            weights[0, 1] = rng.normal(0, 0.1, (filters, 1)).astype(np.float32)
            pad = 0 if name.startswith("fc") else 1
            layers.append(
                {
                    "name": name,
                    "type": "conv",
                    "weights": weights,
                    "stride": np.array([[1.0, 1.0]]),
                    "pad": np.full((1, 4), float(pad)),
                    "dilate": 1.0,
                    "opts": np.empty((0, 0), object),
                }
            )
            channels = filters
            if name != "fc8":
                relu = name.replace("conv", "relu").replace("fc", "relu")
                layers.append({"name": relu, "type": "relu", "leak": 0.0})
        if number < len(BLOCKS):
            layers.append(
                {
                    "name": f"pool{number}",
                    "type": "pool",
                    "method": "max",
                    "pool": np.array([[2.0, 2.0]]),
                    "stride": np.array([[2.0, 2.0]]),
                    "pad": np.array([[0.0, 1.0, 0.0, 1.0]]),
                }
            )
    return [*layers, {"name": "prob", "type": "softmax"}]


def write_mat(path, layers, average_image=None, inside=None):
    """Writes layers, and the average image, as `vgg-face.mat` has them; `inside` one struct."""
    cells = np.empty((1, len(layers)), object)
    for index, layer in enumerate(layers):
        cells[0, index] = layer
    if average_image is None:
        average_image = np.array(MEAN_COLOUR, np.float32).reshape(1, 1, 3)
    normalization = {
        "averageImage": average_image,
        "imageSize": np.array([[224.0, 224.0, 3.0]]),
        "interpolation": "bicubic",
    }
    classes = {"description": np.array(["A", "B", "C"], object).reshape(1, 3)}
    content = {"layers": cells, "meta": {"normalization": normalization, "classes": classes}}
    savemat(path, {inside: content} if inside else content, do_compression=True)
    return path
