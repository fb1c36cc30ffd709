"""What a localiser says: θ, and perhaps how sure it is of it."""

from typing import Any, NamedTuple, Self

#: Landmarks that a spread is of: those of `ibug68`.
SPREAD_LANDMARKS = 68


class Answers(NamedTuple):
    """What a localiser says of images, or the shapes of that.

    Attributes:
        parameters: θ `(batch, 6 + D)`.
        confidence: how likely there is a face that is fitted right, `(batch, 1)`; None from a
            localiser that does not say.
        spread: how far off each landmark of `ibug68` is expected to be, `(batch, 68)` in √(w·h) of
            their box; None from a localiser that does not say.
    """

    parameters: Any
    confidence: Any = None
    spread: Any = None

    @classmethod
    def of(cls, outputs: Any) -> Self:
        """Returns what a localiser says: θ alone, or a dict by these names."""
        if isinstance(outputs, dict):
            return cls(*(outputs.get(name) for name in cls._fields))
        return cls(outputs)

    def named(self) -> dict[str, Any]:
        """Returns those that there are, by name and in their order."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def answer_shapes(localiser: Any) -> Answers:
    """Returns the shapes of what a localiser says.

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
            "`confidence` and `spread`, such as a functional keras.Model; received "
            f"{received}."
        )
    return Answers.of(shapes)
