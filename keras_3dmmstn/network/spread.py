"""The third head of a localiser: how far off may each landmark be?"""

import keras
import numpy as np

from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS, Answers

#: Units of the hidden layer between features and spread.
SPREAD_UNITS = 32


def with_spread(localiser: keras.Model) -> keras.Model:
    """Adds a head to a localiser that says how far off each landmark may be.

    For each of the 68 landmarks it expects a distance from where a person would label it: little at
    the corners of eyes, more along the jaw, and much where a hand, hair or a mask hides the face.
    The head sees the same features and leaves θ and the confidence as they are. It is small, and
    new: train it with `train_spread`.

    Args:
        localiser: as of `build_localiser` or `with_confidence`. Its layers are shared, not copied.

    Returns:
        A functional `keras.Model` from `image` to a dict of what the localiser says and `spread`
        `(batch, 68)`: expected distances, in √(w·h) of the box of the landmarks.

    Raises:
        ValueError: if the localiser has no layer `head`, or a spread already.

    Source:
        Kendall & Gal 2017, "What Uncertainties Do We Need in Bayesian Deep Learning for Computer
        Vision?", sec. 2.2, with distances in place of squares; Kumar et al. 2020, "LUVLi Face
        Alignment", for landmarks.
    """
    names = [layer.name for layer in localiser.layers]
    if "head" not in names or "spread" in names:
        raise ValueError(
            "with_spread expects a localiser of build_localiser without a spread, received one "
            f"with the layers {', '.join(names[-3:])}."
        )
    features = localiser.get_layer("head").input
    hidden = keras.layers.Dense(
        SPREAD_UNITS, activation="relu", name="spread_hidden", dtype="float32"
    )(features)
    # Small weights and a bias of the order of a landmark's error: what is not trained is harmless.
    spread = keras.layers.Dense(
        SPREAD_LANDMARKS,
        activation="exponential",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(np.log(0.03)),
        name="spread",
        dtype="float32",
    )(hidden)
    outputs = Answers.of(localiser.output)._replace(spread=spread)
    return keras.Model(localiser.input, outputs.named(), name="localiser")
