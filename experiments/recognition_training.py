"""The networks of `recognition.py`: one for each input, share of the people and seed."""

from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from recognition_faces import CFP_FOLDS, SIZE, TRAINING, PreparedFaces

from keras_3dmmstn import GridModel, spatial_transformer
from keras_3dmmstn.recognition import AngularMarginLoss, CosineClassifier, descriptor_network

#: What networks see, by name: the prepared pictures that are their channels.
INPUTS = {
    "crop": ("crop",),
    "aligned": ("aligned",),
    "texture": ("texture",),
    "texture and mask": ("texture", "mask"),
    "filled texture": ("filled",),
    "front view": ("front",),
    "texture, trained on": ("framed",),
    "texture, trained through": ("framed",),
}
#: These begin with the network of that behind a 3DMM-STN. The last one trains the localiser, too.
FURTHER, THROUGH = ("texture, trained on", "texture, trained through"), "texture, trained through"
BEGINS_WITH = "texture"

_BATCH = 64
# Epochs with all people. Fewer people are gone through more often, by the root of their share.
_EPOCHS, _EPOCHS_FURTHER = 20, 4
_RATE, _RATE_FURTHER, _RATE_OF_LOCALISER = 2e-3, 3e-4, 1e-5
_SHIFT = 3  # pixels that pictures are moved by at random, of 64


@dataclass(frozen=True)
class Run:
    """One network: its input, the share of the people, the seed, and the fold of CFP for tests."""

    input: str
    share: float
    seed: int
    fold: int = CFP_FOLDS

    @property
    def name(self) -> str:
        """Of its files."""
        name = f"{self.input.replace(', ', '-').replace(' ', '-')}-{self.share:g}-{self.seed}"
        return name if self.fold == CFP_FOLDS else f"{name}-fold-{self.fold}"


def trained(run: Run, faces: PreparedFaces, networks: Path) -> keras.Model:
    """Trains a network, or the one of `BEGINS_WITH` further, and keeps it in a folder.

    Returns:
        The classifier, from the folder if it is there.
    """
    file = networks / f"{run.name}.keras"
    if file.exists():
        return keras.models.load_model(file, compile=False)
    keras.utils.set_random_seed(run.seed)
    chosen, classes = _chosen(run, faces)
    pictures = faces.pictures(INPUTS[run.input], chosen)
    batches = _batches(pictures, classes, run.seed)
    if run.input in FURTHER:
        begun = trained(replace(run, input=BEGINS_WITH), faces, networks)
        model, epochs = _behind_stn(begun, run.input == THROUGH), _EPOCHS_FURTHER
    else:
        network = descriptor_network(SIZE, pictures.shape[-1])
        model, epochs = _classifier(network, int(classes.max()) + 1), _EPOCHS
    epochs = round(epochs / run.share**0.5)
    _compile(model, run, epochs * len(batches))
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0)
    networks.mkdir(parents=True, exist_ok=True)
    model.save(file)
    return model


def descriptors(model: keras.Model, run: Run, faces: PreparedFaces, chosen: np.ndarray):
    """Returns descriptors `(n, D)` float16 of photographs, see `descriptors_of`.

    Args:
        model: the classifier.
        run: what it was trained for.
        faces: the photographs.
        chosen: `(n,)` their numbers.
    """
    parts = [chosen[start : start + 256] for start in range(0, len(chosen), 256)]
    names = INPUTS[run.input]
    return np.concatenate([descriptors_of(model, faces.pictures(names, part)) for part in parts])


def descriptors_of(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Returns descriptors `(n, D)` float16 of length 1: means of pictures and their reflections.

    Args:
        model: the classifier.
        pictures: `(n, size, size, channels)` in 0..255.
    """
    network = keras.Model(model.input, model.layers[-1].input)
    total = np.zeros((len(pictures), network.output_shape[-1]), np.float32)
    for view in (pictures, pictures[:, :, ::-1]):
        for start in range(0, len(view), 256):
            part = tf.cast(view[start : start + 256], tf.float32)
            found = np.asarray(network(part, training=False))
            length = np.linalg.norm(found, axis=1, keepdims=True)
            total[start : start + 256] += found / length
    return (total / np.linalg.norm(total, axis=1, keepdims=True)).astype(np.float16)


def people_of(run: Run, faces: PreparedFaces) -> np.ndarray:
    """Returns the numbers of the people of a run; a smaller share is part of a larger one."""
    everyone = np.unique(faces.person[faces.role == TRAINING])
    order = np.random.default_rng(run.seed).permutation(everyone)
    return np.sort(order[: max(2, round(run.share * len(everyone)))])


def _chosen(run, faces):
    """Returns the numbers of the photographs of a run, and the class of each."""
    people = people_of(run, faces)
    chosen = np.flatnonzero(np.isin(faces.person, people) & (faces.role == TRAINING))
    return chosen, np.searchsorted(people, faces.person[chosen])


def _batches(pictures, classes, seed):
    """Returns shuffled batches, changed at random."""
    data = tf.data.Dataset.from_tensor_slices((pictures, classes.astype(np.int32)))
    data = data.shuffle(len(pictures), seed=seed).map(_changed, num_parallel_calls=1)
    return data.batch(_BATCH, drop_remainder=len(pictures) >= _BATCH).prefetch(2)


def _changed(picture, label):
    """Reflects a picture at random, moves it by some pixels, and changes its light."""
    size = picture.shape[0]
    shift = round(_SHIFT * size / SIZE)
    picture = tf.image.random_flip_left_right(picture)
    padded = tf.pad(picture, [[shift, shift], [shift, shift], [0, 0]])
    picture = tf.cast(tf.image.random_crop(padded, picture.shape), tf.float32)
    gain = tf.random.uniform([1, 1, 3], 0.85, 1.15) * tf.random.uniform([], 0.7, 1.3)
    light = tf.clip_by_value(picture[..., :3] * gain, 0, 255)
    return tf.concat([light, picture[..., 3:]], axis=-1), label


def _classifier(network, classes):
    """Returns a model from pictures to cosines, whose layer `descriptor` is the network."""
    picture = keras.Input(network.input_shape[1:])
    return keras.Model(picture, CosineClassifier(classes, name="people")(network(picture)))


def _behind_stn(begun, learns):
    """Returns a classifier of photographs, which a 3DMM-STN with the bundled weights normalises.

    If its localiser `learns`, the statistics of the batch normalisation stay as they are.
    """
    model = spatial_transformer(GridModel.bundled(), weights="pretrained", texture_size=SIZE)
    model.trainable = learns
    for layer in model.get_layer("localiser").get_layer("compact").layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    describe = keras.models.clone_model(begun.get_layer("descriptor"))
    classify = CosineClassifier(begun.get_layer("people").classes, name="people")
    further = keras.Model(model.input, classify(describe(model.output["texture"])))
    describe.set_weights(begun.get_layer("descriptor").get_weights())
    classify.set_weights(begun.get_layer("people").get_weights())
    return further


def _compile(model, run, steps):
    """Compiles a classifier; if it is trained through, the localiser learns more slowly."""
    optimiser = _optimiser(_RATE_FURTHER if run.input in FURTHER else _RATE, steps)
    if run.input == THROUGH:
        fast = {"(descriptor|people).*": optimiser}
        slow = _optimiser(_RATE_OF_LOCALISER, steps)
        optimiser = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(slow, fast))
    model.compile(optimiser, AngularMarginLoss())


def _optimiser(rate, steps):
    """Returns an optimiser whose rate falls to 0 as a cosine."""
    return keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(rate, steps), 1e-2)
