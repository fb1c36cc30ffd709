"""The network as a SavedModel, in the layout and with the signatures of TensorFlow Serving."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.export.card import network_card
from keras_3dmmstn.export.network import input_size, trained_network
from keras_3dmmstn.export.serving import photograph_signatures, request_checks
from keras_3dmmstn.export.serving.model_versions import next_version
from keras_3dmmstn.export.serving.warm_up import write_warm_up
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.network.subnetworks import landmark_network


def export_saved_model(
    normaliser: Normaliser,
    path: str | Path,
    *,
    landmarks: str = "ibug68",
    visibility: str | None = None,
    texture_size: int | None = None,
) -> Path:
    """Writes the whole network as the next version below `path`, `path/1` if it is the first.

    The signatures are those of `write_version`; the card is in `assets.extra/card.json`.

    Args:
        normaliser: the trained localiser and its face model.
        path: the model's folder, which a server is given; its name is the model's name.
        landmarks: name of the landmark set, as for `spatial_transformer`.
        visibility: how the mask is computed, as for `spatial_transformer`; as in the normaliser if
            None.
        texture_size: side of texture and mask in pixels, from 32 to 2,048, also sampled between the
            vertices; None for the face model's grid, whatever size the normaliser samples at.

    Returns:
        The folder of the version. It appears when all of it is written.

    Raises:
        FileExistsError: if `path` is a file or contains anything but versions.
        ValueError: if the face model has no such landmark set, `visibility` is unknown or
            `texture_size` is out of range.
        OSError: if it cannot be written; then nothing is left of it.
    """
    version = next_version(Path(path))
    card = network_card(normaliser, landmarks, None, visibility, texture_size)
    network = trained_network(normaliser, landmarks, visibility, texture_size)
    with atomic_destination(version, replace=False) as aside:
        write_version(network, aside, card)
    return version


def write_version(
    network: keras.Model, folder: str | Path, card: dict[str, Any] | None = None
) -> None:
    """Writes a network as one version of a SavedModel, with a free batch size.

    Its signatures are

    - `serving_default`: `image` `(batch, size, size, 3)` float32, RGB in 0..255, to `parameters`,
      `landmarks`, `texture`, `mask` and, if the network has them, `confidence` and `spread`;
    - `fit`: `image` to the same without texture and mask;
    - `serving_bytes`: `encoded` `(batch,)`, JPEG or PNG files that show the square crop of a face
      (if it is not square, the middle is taken), to all of them, landmarks in pixels of the crop
      scaled to the network's size;
    - `serving_faces`: `encoded`, whole photographs, and `boxes` `(batch, 4)` float32, x0, y0, x1,
      y1, the tight box of the face's 68 landmarks in pixels of each, to all of them, landmarks and
      pose in pixels of the photograph;
    - `serving_groups`: `encoded` and `boxes` `(batch, faces, 4)`, several for each photograph, to
      the same as `(batch, faces, ...)`.

    Levels, shapes, boxes and files are checked in the graph. The first two signatures refuse a
    whole request; the others also return `status` and `message` for each face, as described in
    `photograph_signatures`. `assets.extra` also contains requests that warm up a server, if the
    extra `serving` is installed. A reloaded model has the signatures as methods, and
    `trainable_variables` and `variables`: the hand-written gradients are also saved.

    Args:
        network: a network of `spatial_transformer`.
        folder: where to write.
        card: a card as from `network_card`; written to `assets.extra/card.json`, which servers
            ignore, with `photographs`: the answers of the signatures that take files.

    Raises:
        ValueError: if the network is not one of `spatial_transformer`.
        OSError: if it cannot be written.
    """
    image_size = input_size(network)
    served = _Served()
    # Only the variables, not the Keras model, whose own functions would also be saved.
    served.variables = [variable.value for variable in network.variables]
    served.trainable_variables = [variable.value for variable in network.trainable_variables]
    signatures = {}
    for name, (function, signature) in _endpoints(network, image_size).items():
        signatures[name] = tf.function(function, input_signature=signature, autograph=False)
        setattr(served, name, signatures[name])
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    try:
        tf.saved_model.save(served, str(folder), signatures, options)
        write_warm_up(folder, image_size)
    except tf.errors.OpError as error:
        raise _write_error(error, folder) from error
    if card is not None:
        extra = Path(folder) / "assets.extra"
        extra.mkdir(exist_ok=True)
        card = {**card, "photographs": photograph_signatures.CARD}
        (extra / "card.json").write_text(json.dumps(card, indent=1) + "\n")


def _write_error(error, folder):
    """Returns TensorFlow's error on a file in a folder as an OSError on the folder."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
        if os.strerror(number) in error.message:
            return OSError(number, os.strerror(number), str(folder))
    reason = error.message.splitlines()[0][:300]
    return OSError(errno.EIO, f"a SavedModel could not be written: {reason}", str(folder))


class _Served(tf.Module):
    """What is saved: functions and variables."""

    # Lists, in the place of the properties of the same names, which are not saved.
    variables: list = []  # noqa: RUF012
    trainable_variables: list = []  # noqa: RUF012


def _endpoints(network, image_size):
    """Returns name to function and signature."""
    image = tf.TensorSpec((None, image_size, image_size, 3), tf.float32, name="image")
    fitting = landmark_network(network)
    # The network's graph, with its gradients, is saved once for all signatures that call it.
    whole = tf.function(
        lambda image: network(image, training=False), input_signature=[image], autograph=False
    )

    def serving_default(image):
        return whole(request_checks.checked_images(image, image_size))

    def fit(image):
        return fitting(request_checks.checked_images(image, image_size), training=False)

    return {
        "serving_default": (serving_default, [image]),
        "fit": (fit, [image]),
        **photograph_signatures.signatures_of_photographs(whole, image),
    }
