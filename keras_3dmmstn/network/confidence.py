"""The second head of a localiser: is there a face, and are its landmarks right?"""

import keras

from keras_3dmmstn.network.localiser_answers import Answers

#: Units of the hidden layer between features and confidence.
CONFIDENCE_UNITS = 16


def with_confidence(localiser: keras.Model) -> keras.Model:
    """Adds a second head to a localiser, which predicts its confidence.

    The head uses the same features and does not change θ. It is small and untrained: train it with
    `train_confidence`.

    Args:
        localiser: from `build_localiser` or `with_spread`. Its layers are shared, not copied.

    Returns:
        A functional `keras.Model` from `image` to a dict of `parameters`, θ `(batch, 6 + D)`,
        `confidence` `(batch, 1)`: the probability, 0 to 1, that there is a face and its landmarks
        are right, and `spread` if the localiser has it.

    Raises:
        ValueError: if the localiser has no layer `head`, or a confidence already.
    """
    names = [layer.name for layer in localiser.layers]
    if "head" not in names or "confidence" in names:
        raise ValueError(
            "with_confidence expects a localiser of build_localiser without a confidence, "
            f"received one with the layers {', '.join(names[-3:])}."
        )
    features = localiser.get_layer("head").input
    hidden = keras.layers.Dense(
        CONFIDENCE_UNITS, activation="relu", name="confidence_hidden", dtype="float32"
    )(features)
    confidence = keras.layers.Dense(1, activation="sigmoid", name="confidence", dtype="float32")
    outputs = Answers.of(localiser.output)._replace(confidence=confidence(hidden))
    return keras.Model(localiser.input, outputs.named(), name="localiser")


def without_confidence(localiser: keras.Model) -> keras.Model:
    """Returns a localiser from images to θ alone, with shared layers; itself if it is one.

    A spread is removed together with the confidence.
    """
    if not isinstance(getattr(localiser, "output", None), dict):
        return localiser
    return keras.Model(localiser.input, localiser.output["parameters"], name="localiser")
