"""Measures of landmark error: relative errors, pixels, failures and cumulative curves."""

from dataclasses import dataclass

import numpy as np

#: The larger side, in pixels, of the tight box of a face's labelled points in the framing of Bas et
#: al. 2017: the 224 pixel crops of the authors' demonstration.
PAPER_BOX_SIDE = 120.0


@dataclass(frozen=True)
class ErrorSummary:
    """A summary of the errors of several faces, in the unit of the errors.

    Attributes:
        faces: how many faces have an error.
        mean: mean of their errors.
        median: median of their errors.
        standard_deviation: standard deviation of their errors.
    """

    faces: int
    mean: float
    median: float
    standard_deviation: float


def box_sizes(boxes: np.ndarray) -> np.ndarray:
    """Returns sqrt(w·h) `(n,)` of boxes `(n, 4)`, x0, y0, x1, y1."""
    return np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))


def relative_errors(distances: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Returns distances `(n, L)` in % of sqrt(w·h) of the boxes `(n, 4)`."""
    return 100 * distances / box_sizes(boxes)[:, None]


def paper_pixels(distances: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Returns distances `(n, L)` in pixels at 224, as Bas et al. 2017 frame a face.

    Args:
        distances: in pixels of the photographs.
        boxes: `(n, 4)`, the tight boxes of the labelled points there. Errors are those of the
            photograph scaled so that the larger side is `PAPER_BOX_SIDE` pixels.
    """
    larger_side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    return distances * (PAPER_BOX_SIDE / larger_side)[:, None]


def face_errors(errors: np.ndarray, points: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Returns the mean error `(n,)` of each face over some points, NaN if none is labelled.

    Args:
        errors: `(n, L)`, NaN where a point is not labelled.
        points: the points that count.
    """
    errors = errors[:, points]
    labelled = np.isfinite(errors)
    count = labelled.sum(axis=1)
    total = np.where(labelled, errors, 0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(errors), np.nan), where=count > 0)


def point_errors(errors: np.ndarray) -> np.ndarray:
    """Returns the mean error `(L,)` of each point over faces `(n, L)`, NaN if no face has it."""
    return face_errors(errors.T)


def summarise(errors: np.ndarray) -> ErrorSummary:
    """Summarises the errors of faces `(n,)`, ignoring NaN.

    Raises:
        ValueError: if all are NaN.
    """
    errors = _finite(errors)
    return ErrorSummary(
        len(errors), float(errors.mean()), float(np.median(errors)), float(errors.std())
    )


def failure_rate(errors: np.ndarray, threshold: float) -> float:
    """Returns the share of the faces with an error `(n,)` whose error is above a threshold.

    Raises:
        ValueError: if no face has an error.
    """
    return float((_finite(errors) > threshold).mean())


def cumulative_curve(errors: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Returns, for each level, the share of faces `(n,)` whose error is no larger.

    Raises:
        ValueError: if no face has an error.
    """
    errors = np.sort(_finite(errors))
    return np.searchsorted(errors, levels, side="right") / len(errors)


def area_under_curve(errors: np.ndarray, threshold: float) -> float:
    """Returns the area under the cumulative curve from 0 to a threshold, relative to its maximum.

        1/T ∫₀ᵀ #{e ≤ x} / n dx = mean of max(0, 1 − e / T)

    Args:
        errors: `(n,)`.
        threshold: T, in the unit of the errors.

    Raises:
        ValueError: if no face has an error.
    """
    return float(np.clip(1 - _finite(errors) / threshold, 0, None).mean())


def mean_over_bins(means: list[float]) -> float:
    """Returns the unweighted mean over bins, NaN if a bin has no face.

    Source:
        The protocol of AFLW2000-3D, Zhu et al. 2016, "Face Alignment Across Large Poses: A 3D
        Solution".
    """
    return float(np.mean(means))


def _finite(errors):
    errors = errors[np.isfinite(errors)]
    if not len(errors):
        raise ValueError("Expected the error of at least one face, received none.")
    return errors
