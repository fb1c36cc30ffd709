"""What a localiser says: θ, and perhaps how sure it is."""

from typing import Any


def parameters_and_confidence(outputs: Any) -> tuple[Any, Any]:
    """Returns what a localiser says, θ and its confidence; None for one that has no confidence."""
    if isinstance(outputs, dict):
        return outputs["parameters"], outputs.get("confidence")
    return outputs, None


def answer_shapes(localiser: Any) -> tuple[Any, Any]:
    """Returns the shapes of a localiser's θ and confidence; None for one that has no confidence.

    Args:
        localiser: a `keras.Model`, or a callable with `output_shape`, for which a dict is right,
            too. Keras flattens the shapes of a dict to a list.

    Raises:
        ValueError: if it says nothing of its output, or that is a dict without `parameters`.
    """
    output = getattr(localiser, "output", None)
    shapes: Any = None
    if isinstance(output, dict):
        shapes = {name: tensor.shape for name, tensor in output.items()}
    else:
        shapes = getattr(localiser, "output_shape", None)
    if shapes is None or (isinstance(shapes, dict) and "parameters" not in shapes):
        received = "none that is known" if shapes is None else f"{', '.join(map(str, shapes))}"
        raise ValueError(
            "Expected a localiser whose output is θ, or a dict of `parameters` and perhaps "
            f"`confidence`, such as a functional keras.Model; received {received}."
        )
    return parameters_and_confidence(shapes)
