"""The valid focal lengths of a perspective camera."""

#: Limits in sides of the image; outside them there is no real camera, or numbers overflow.
FOCAL_LENGTHS = (0.01, 1e12)


def check_focal_length(focal_length: float | None) -> None:
    """Raises a ValueError unless a focal length is None or a number within the limits."""
    low, high = FOCAL_LENGTHS
    if focal_length is not None and not low <= focal_length <= high:
        raise ValueError(
            "Expected `focal_length` None or a positive number of image sides, from "
            f"{low:g} to {high:g}, received {focal_length!r:.40}."
        )
