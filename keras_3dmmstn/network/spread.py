"""The third head of a localiser: how far off is each landmark likely to be?"""

import keras
import numpy as np

from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS, Answers

#: Units of the hidden layer between features and spread.
SPREAD_UNITS = 32


def with_spread(localiser: keras.Model) -> keras.Model:
    """Adds a head to a localiser that predicts how far off each landmark is likely to be.

    For each of the 68 landmarks it predicts the distance from where a person would label it: small
    at the corners of eyes, larger along the jaw, and large where a hand, hair or a mask hides the
    face. The head uses the same features and does not change θ or the confidence. It is small and
    untrained: train it with `train_spread`.

    Args:
        localiser: from `build_localiser` or `with_confidence`. Its layers are shared, not copied.

    Returns:
        A functional `keras.Model` from `image` to a dict of the localiser's outputs and `spread`
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
    # Small weights and a bias of the order of a landmark's error: harmless even if untrained.
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
