"""The outputs of a localiser: θ, and perhaps confidence and spread."""

from typing import Any, NamedTuple, Self

#: Number of landmarks that have a spread: those of `ibug68`.
SPREAD_LANDMARKS = 68


class Answers(NamedTuple):
    """The outputs of a localiser for images, or their shapes.

    Attributes:
        parameters: θ `(batch, 6 + D)`.
        confidence: probability that there is a face that is fitted right, `(batch, 1)`; None from
            a localiser without it.
        spread: expected error of each landmark of `ibug68`, `(batch, 68)` in √(w·h) of their box;
            None from a localiser without it.
    """

    parameters: Any
    confidence: Any = None
    spread: Any = None

    @classmethod
    def of(cls, outputs: Any) -> Self:
        """Makes the answers from a localiser's outputs: θ alone, or a dict with these names."""
        if isinstance(outputs, dict):
            return cls(*(outputs.get(name) for name in cls._fields))
        return cls(outputs)

    def named(self) -> dict[str, Any]:
        """Returns the outputs that are not None, by name and in their order."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def answer_shapes(localiser: Any) -> Answers:
    """Returns the shapes of a localiser's outputs.

    Args:
        localiser: a `keras.Model`, or a callable with `output_shape`, which may be a dict. (Keras
            flattens the shapes of a dict to a list.)

    Raises:
        ValueError: if it does not declare its output, or that is a dict without `parameters`.
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
            "`confidence` and `spread`, such as a functional keras.Model; received "
            f"{received}."
        )
    return Answers.of(shapes)
