"""The network with its losses, as a model for `compile` and `fit`."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.network import losses
from keras_3dmmstn.network.checked_levels import LevelChecked, checked_levels, naming_levels
from keras_3dmmstn.network.fit_on_workers import FitOnWorkers
from keras_3dmmstn.network.identity_losses import identity_pair_loss, tied_identity_loss
from keras_3dmmstn.network.paired_batches import BatchOrder, checked_pairs, refusal
from keras_3dmmstn.network.subnetworks import landmark_network, texture_network
from keras_3dmmstn.ops.parameters import POSE_SIZE

_ON_TEXTURES = ("symmetry", "mirror_pairs", "identity_pairs")


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class TrainingModel(LevelChecked, FitOnWorkers, keras.Model):
    """A model from `image` to `landmarks` that also trains on losses without labels.

    Compile it with `LandmarkLoss` or `LandmarkDistanceLoss` for `landmarks`. The weights are those
    of `model`: train this model and use the other. What no loss needs is not computed: of the face
    model only the vertices that are landmarks, unless a texture is sampled for `symmetry`,
    `mirror_pairs` or `identity_pairs`. The unweighted losses are metrics with these names. The
    losses on textures and pairs, that is all but `shape_prior`, are only for training: `evaluate`,
    `predict` and a call accept any number of images in any order, and `evaluate` does not report
    these losses.

    The order of a batch, which `fit` checks as far as images show it:

    | weights above 0 | images |
    |---|---|
    | `mirror_pairs` | a, a reflected, b, b reflected, ... of anybody |
    | `identity_pairs`, `tied_identity` | a, b, c, d, ...: a and b of one person, c and d of one |
    | both | a, a reflected, b, b reflected, ...: a person is four images |

    Args:
        model: a model from `spatial_transformer`.
        shape_prior: weight of `shape_prior_loss`.
        symmetry: weight of `symmetry_loss`.
        mirror_pairs: weight of `mirror_pair_loss`; unless it is 0, each image of a batch must be
            followed by its reflection.
        jit_textures: whether XLA compiles the losses on textures and their gradient, whatever
            `compile` sets for the rest. On a CPU, XLA halves their time, but makes convolutions
            many times slower.
        identity_pairs: weight of `identity_pair_loss`, on two photographs of one person; unless it
            is 0, each photograph of a batch must be followed by another one of the same person.
        tied_identity: weight of `tied_identity_loss`, on the identity coefficients of such a pair;
            expression and pose do not count.

    Call arguments:
        image: `(batch, size, size, 3)` tensor, as for `model`.

    Returns:
        `{"landmarks": (batch, L, 2)}`, the landmarks of `model`.

    Raises:
        ValueError: if `model` is not from `spatial_transformer`, a weight is negative or not
            finite, or `tied_identity` is given for a face model that does not declare which of its
            modes are identity.

    Example:
    >>> from keras_3dmmstn import spatial_transformer
    >>> from keras_3dmmstn.mesh.synthetic import toy_grid_model
    >>> model = spatial_transformer(toy_grid_model((16, 16)), image_size=160)
    >>> trainer = TrainingModel(model, shape_prior=1.0)
    >>> trainer.compile("adam", {"landmarks": losses.LandmarkLoss()})
    >>> trainer(np.zeros((1, 160, 160, 3)))["landmarks"].shape
    TensorShape([1, 68, 2])
    """

    def __init__(
        self,
        model: keras.Model,
        shape_prior: float = 0.0,
        symmetry: float = 0.0,
        mirror_pairs: float = 0.0,
        jit_textures: bool = True,
        *,
        identity_pairs: float = 0.0,
        tied_identity: float = 0.0,
        **kwargs: Any,
    ):
        _check_model(model)
        kwargs.setdefault("dtype", "float32")  # under a mixed policy, too: see the model's layers
        super().__init__(**kwargs)
        self.model = model
        self.weight_of = {
            "shape_prior": float(shape_prior),
            "symmetry": float(symmetry),
            "mirror_pairs": float(mirror_pairs),
            "identity_pairs": float(identity_pairs),
            "tied_identity": float(tied_identity),
        }
        wrong = {name: w for name, w in self.weight_of.items() if not 0 <= w < float("inf")}
        if wrong:
            raise ValueError(f"TrainingModel expects weights of at least 0, received {wrong}.")
        self._order = BatchOrder(
            reflected=bool(mirror_pairs), people=bool(identity_pairs or tied_identity)
        )
        self._identity_count = model.get_layer("morphable_model").identity_count
        if tied_identity and not self._identity_count:
            raise ValueError(
                "TrainingModel with tied_identity expects a face model with modes of identity, "
                f"received one with identity_count {self._identity_count}. A model that was saved "
                "without that number: build it with `spatial_transformer`, and load its weights."
            )
        self.jit_textures = bool(jit_textures)
        self._landmark_network = landmark_network(model)
        self._texture_network = texture_network(model)
        self._texture_losses = tf.function(
            self._texture_losses_and_gradients, jit_compile=self.jit_textures, autograph=False
        )
        self._trackers = {
            name: keras.metrics.Mean(name=name) for name, weight in self.weight_of.items() if weight
        }
        self.built = True  # the model is

    def fit(self, *args, **kwargs):
        """Trains like `keras.Model.fit`; with losses on pairs, refuses batches in a wrong order.

        Raises:
            ValueError: if an image is not followed by its reflection, the images do not form whole
                pairs, or levels are in 0..1.
        """
        bound = inspect.signature(super().fit).bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        arguments["x"] = checked_levels(arguments["x"])
        if self._order.size > 1:
            arguments["x"] = checked_pairs(arguments, self._order)
        try:
            with naming_levels():
                return super().fit(**arguments)
        except tf.errors.InvalidArgumentError as error:
            refused = refusal(error)
            if refused is None:
                raise
            raise refused from error

    def test_step(self, data):
        untouched = set(self.weight_of) - {"shape_prior"}
        return {n: value for n, value in super().test_step(data).items() if n not in untouched}

    def call(self, image, training=None):
        found = self._landmark_network(image, training=training)
        parameters = tf.cast(found["parameters"], tf.float32)
        if self.weight_of["shape_prior"]:
            loss = tf.reduce_mean(losses.shape_prior_loss(parameters[:, POSE_SIZE:]))
            self._trackers["shape_prior"].update_state(loss)
            self._add_loss(self.weight_of["shape_prior"] * loss)
        if training and self.weight_of["tied_identity"]:
            alpha = parameters[:, POSE_SIZE:]
            tied = tied_identity_loss(alpha, self._identity_count, self._order.reflected)
            self._trackers["tied_identity"].update_state(tf.reduce_mean(tied))
            self._add_loss(self.weight_of["tied_identity"] * tf.reduce_mean(tied))
        if training and any(self.weight_of[name] for name in _ON_TEXTURES):
            self._add_loss(self._loss_on_textures(image, parameters))
        return {"landmarks": found["landmarks"]}

    def _add_loss(self, loss):
        """Adds a loss in the dtype in which Keras sums losses."""
        self.add_loss(tf.cast(loss, keras.config.floatx()))

    def _loss_on_textures(self, image, parameters):
        """Returns the weighted sum of the losses on textures, a scalar.

        Its gradient is computed together with its value, so it is returned as its tangent plane:
        ℓ(θ) = ℓ(θ₀) + ⟨∂ℓ/∂θ, θ − θ₀⟩ at θ = θ₀.
        """
        variables = [v.value for v in self._texture_network.trainable_variables]
        sources = [parameters, *variables]
        values, total, gradients = self._texture_losses(
            tf.stop_gradient(image), tf.stop_gradient(parameters), len(variables)
        )
        for name, value in values.items():
            self._trackers[name].update_state(value)
        planes = [
            tf.reduce_sum(tf.stop_gradient(gradient) * (source - tf.stop_gradient(source)))
            for gradient, source in zip(gradients, sources, strict=True)
        ]
        return tf.stop_gradient(total) + tf.add_n(planes)

    def _texture_losses_and_gradients(self, image, parameters, variable_count):
        """Returns the losses by name, their weighted sum, and its gradients.

        They are in one function, so that XLA keeps what forward and backward pass share in its own
        memory.

        Args:
            image: `(batch, size, size, 3)` tensor.
            parameters: `(batch, 6 + D)` tensor θ.
            variable_count: the number of trained variables of the face model; each number has its
                own traced function.
        """
        variables = [v.value for v in self._texture_network.trainable_variables]
        assert len(variables) == variable_count
        sources = [parameters, *variables]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            texture, mask = self._texture_network([image, parameters], training=True)
            # Divides by 1. XLA would sample a cheap texture again for each term of the losses, but
            # it computes a quotient only once.
            texture /= tf.maximum(tf.reduce_max(mask, axis=(1, 2, 3), keepdims=True), 1)
            each: dict[str, Callable] = {
                "symmetry": losses.symmetry_loss,
                "mirror_pairs": losses.mirror_pair_loss,
                "identity_pairs": partial(identity_pair_loss, reflected=self._order.reflected),
            }
            values = {
                name: tf.reduce_mean(each[name](texture, mask))
                for name in _ON_TEXTURES
                if self.weight_of[name]
            }
            total = tf.add_n([self.weight_of[name] * value for name, value in values.items()])
        return values, total, tape.gradient(total, sources)

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            **self.weight_of,
            "jit_textures": self.jit_textures,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        model = keras.saving.deserialize_keras_object(config.pop("model"), custom_objects)
        return cls(model, **config)


def _check_model(model):
    """Raises a ValueError unless a model has the outputs and layers of `spatial_transformer`."""
    outputs, names = getattr(model, "output", None), {layer.name for layer in model.layers}
    expected = {"parameters", "landmarks", "texture", "mask"}
    received = set(outputs) if isinstance(outputs, dict) else set()
    missing = sorted((expected - received) | ({"landmarks", "morphable_model"} - names))
    if missing:
        raise ValueError(
            "TrainingModel expects a model of `spatial_transformer`, received one without "
            f"{', '.join(missing)}: {model.name!r}."
        )
