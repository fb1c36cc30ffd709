"""The sizes at which is measured: a base, and from it along one axis at a time."""

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Size:
    """How large the data are: images in a batch, and sides of grid and image in pixels."""

    batch: int = 16
    grid: int = 112
    image: int = 224
    modes: int = 40  # of the bundled face model

    def of(self, *axes: str) -> dict[str, int]:
        """Returns the sizes along some axes, by name."""
        return {axis: value for axis, value in asdict(self).items() if axis in axes}


BASE = Size()

#: Along each axis the sizes other than the base's.
AXES = {
    "batch": (1, 4, 64),
    "grid": (56, 224, 448),
    "image": (112, 448),
    "modes": (10, 160),
}

#: The compact localiser shrinks the image to 140 pixels, so it takes no smaller one.
NETWORK_AXES = {**AXES, "image": (140, 448)}


def sizes(base: Size = BASE, axes: dict[str, tuple[int, ...]] = AXES) -> list[Size]:
    """Returns the base, then all sizes that differ from it along one of the axes."""
    return [base] + [
        replace(base, **{axis: value}) for axis, values in axes.items() for value in values
    ]
