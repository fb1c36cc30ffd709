"""The levels of pictures: whether they match the type that holds them."""

import logging

import numpy as np

logger = logging.getLogger(__name__)

#: Levels of 10 bits in a 16-bit image are at most 3 of 255: no real picture. Those of 12 bits are
#: at most 15, which may be a dark picture unless the maximum is exactly the last level of 12 bits:
#: no photograph has that by chance.
LARGEST_OF_10_BITS, LARGEST_OF_12_BITS = 1023, 4095


def check_levels(image: np.ndarray | None) -> None:
    """Raises a ValueError if an image became black because its levels do not match its type."""
    if image is None:
        return
    largest = image.max()
    if image.dtype == np.int16 and image.min() < 0:
        raise ValueError(f"expected levels from 0 on, received one of {image.min()}.")
    if image.dtype in (np.uint16, np.int16) and is_of_fewer_bits(largest):
        raise ValueError(
            f"expected levels in 0..65535 of 16 bits, received none above {largest}: levels of "
            "fewer bits have to be multiplied."
        )
    if image.dtype.kind == "f" and 0 < largest <= 1:
        raise ValueError(
            f"expected levels in 0..255, received floating-point levels, none above {largest:g}."
        )


def is_of_fewer_bits(largest: int) -> bool:
    """Returns whether the largest level of a 16-bit image indicates levels of 8, 10 or 12 bits."""
    if LARGEST_OF_10_BITS < largest < LARGEST_OF_12_BITS:
        logger.warning("16 bits, but no level above %d: a dark photograph, or 12 bits", largest)
    return 0 < largest <= LARGEST_OF_10_BITS or largest == LARGEST_OF_12_BITS
