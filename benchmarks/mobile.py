"""The whole network in a `.tflite` file, against a small network that regresses parameters alone.

python benchmarks/mobile.py [--threads 1] [--quick] [--record]

Ours goes from the photograph to parameters, landmarks, the 112×112 texture and its mask, which
comes from normals unless the name says otherwise. The peer is MobileNetV1 of width 0.5 at 120×120
with 62 outputs: the architecture of 3DDFA_V2's `mb05`, untrained and converted in the same way. The
second peer is the MobileNetV1 of `keras.applications`, which has a fifth less to compute. All run
in LiteRT, with the photograph already in the input tensor.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from timing import Run

from keras_3dmmstn.export.comparison_photographs import rendered_photographs
from keras_3dmmstn.export.mobile.tflite import PRECISIONS, tflite_model
from keras_3dmmstn.inference.normaliser import Normaliser

PEER_SIZE, PEER_OUTPUTS = 120, 62
PEER, SMALLER_PEER = "MobileNetV1 0.5", "MobileNetV1 0.5 of Keras"


#: Channels at width 1 and stride of each depthwise separable block.
BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
BLOCKS += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]


def mobilenet(width: float = 0.5) -> keras.Model:
    """Returns MobileNetV1 with feature maps of 60, 30, 15, 8 and 4 pixels, as `mb05` has them.

    `mb05` pads by one pixel on every side; `keras.applications.MobileNet` on two sides only, which
    makes the last maps 7 and 3 pixels: a fifth less to compute.

    Source:
        3DDFA_V2, `models/mobilenet_v1.py`.
    """
    layers = keras.layers
    image = keras.Input((PEER_SIZE, PEER_SIZE, 3))

    def normalised(x):
        return layers.ReLU()(layers.BatchNormalization()(x))

    x = layers.Conv2D(int(32 * width), 3, 2, padding="same", use_bias=False)(image)
    x = normalised(x)
    for channels, stride in BLOCKS:
        x = normalised(layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x))
        x = normalised(layers.Conv2D(int(channels * width), 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(PEER_OUTPUTS)(x))


def mobilenet_of_keras() -> keras.Model:
    """Returns the MobileNetV1 of `keras.applications`, which is smaller."""
    size = (PEER_SIZE, PEER_SIZE, 3)
    backbone = keras.applications.MobileNet(
        size, alpha=0.5, include_top=False, weights=None, pooling="avg"
    )
    return keras.Sequential([backbone, keras.layers.Dense(PEER_OUTPUTS)])


def peer_model(model: keras.Model, precision: str, photographs: np.ndarray) -> bytes:
    """Returns a peer as the content of a `.tflite` file."""
    image = tf.TensorSpec((1, PEER_SIZE, PEER_SIZE, 3), tf.float32, name="image")
    traced = tf.function(lambda image: model(image, training=False), input_signature=[image])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "integer":
        converter.representative_dataset = lambda: ([photo[None]] for photo in photographs)
    return converter.convert()


def invocation(model: bytes, image: np.ndarray, threads: int) -> Callable:
    """Returns the call that runs a `.tflite` model on an image."""
    interpreter = Interpreter(model_content=model, num_threads=threads)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    interpreter.set_tensor(given["index"], image[None])
    return interpreter.invoke


def main():
    """Times each precision, and the exact masks, against the peer of the same precision."""
    run = Run.from_command_line(__doc__, __file__, threads=1)
    normaliser = Normaliser.pretrained()
    crops = rendered_photographs(normaliser.grid_model, normaliser.image_size)
    small = np.stack([tf.image.resize(crop, (PEER_SIZE, PEER_SIZE)).numpy() for crop in crops])
    small = small / 127.5 - 1
    cases = [(precision, "normals") for precision in PRECISIONS]
    for precision, visibility in [*cases, ("float16", "table"), ("float16", "depth")]:
        used = crops if precision == "integer" else ()
        ours = tflite_model(normaliser, precision, used, visibility=visibility)
        peers = {PEER: mobilenet(), SMALLER_PEER: mobilenet_of_keras()}
        mask = "" if visibility == "normals" else f", mask by {visibility}"
        run.compare(
            f"exported network, {precision}{mask}",
            {"ours": invocation(ours, crops[0], run.threads)},
            {
                name: invocation(peer_model(peer, precision, small), small[0], run.threads)
                for name, peer in peers.items()
            },
            seconds=6,
        )
    run.write()


if __name__ == "__main__":
    main()
