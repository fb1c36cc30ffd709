"""Labels for points that nobody labelled, from a fitted face model."""

from dataclasses import replace

import numpy as np

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.fitting.face_fit import (
    LABEL_DEVIATION,
    YAW_DEVIATION,
    FaceFit,
    FaceFitter,
)

#: Confidence of points of `ibug68` that are hidden or not labelled but follow from the others.
DOUBTFUL = 0.5
#: Faces with fewer labelled points, or a worse fit (mean error, share of the box), do not change.
FEWEST_POINTS, WORST_FIT = 15, 0.05
_YAW = 2  # its place in the pose


def completed(
    faces: LabelledFaces, yaw: float | None = None, model: GridModel | None = None
) -> LabelledFaces:
    """Adds the points of `ibug68` that labels lack.

    The points of one side of a face hardly determine how far it is turned: a network trained only
    on them fits profiles as if they were half profiles. The face model, fitted to the labels and
    to what is known of the yaw, gives the positions of the other points. They get the confidence
    `DOUBTFUL`; labels of less confidence are replaced.

    Args:
        faces: labelled photographs. Only |yaw| of their pose is used: its sign differs between
            data sets, and the labels tell the side.
        yaw: the approximate |yaw| of faces without a pose, radians; None if unknown.
        model: has the landmarks of `LANDMARK_SET`; the bundled one by default.

    Returns:
        The same faces. Those with too few points or a poor fit are unchanged.
    """
    fitter = FaceFitter(model or GridModel.bundled())
    landmarks = faces.landmarks.copy()
    for points, pose in zip(landmarks, faces.pose, strict=True):
        known = points[:IBUG68_COUNT, 2] > 0
        lacking = points[:IBUG68_COUNT, 2] < DOUBTFUL
        if known.sum() < FEWEST_POINTS or not lacking.any():
            continue
        fit = _best_fit(fitter, points, pose[_YAW] if np.isfinite(pose[_YAW]) else yaw)
        if fit is None:
            continue
        vertices = fit.vertices[:IBUG68_COUNT]
        basis = fitter.model.basis[:, vertices].astype(float)
        shape = fitter.model.mean[vertices] + np.tensordot(fit.coefficients, basis, 1)
        whole = np.column_stack([fit.project(shape), np.full(IBUG68_COUNT, DOUBTFUL)])
        points[:IBUG68_COUNT][lacking] = whole[lacking]
    return replace(faces, landmarks=landmarks)


def _best_fit(fitter: FaceFitter, points: np.ndarray, yaw: float | None) -> FaceFit | None:
    """Returns the better of the fits with the yaw to either side; None if it is poor."""
    sides: list[float | None] = [None] if yaw is None else [yaw, -yaw]
    try:
        fits = {side: fitter.fit(points, side) for side in sides}
    except ValueError:  # the points lie in one place
        return None
    count = int((points[:, 2] > 0).sum())
    best = min(sides, key=lambda side: _cost(fits[side], side, count))
    return fits[best] if fits[best].error <= WORST_FIT else None


def _cost(fit: FaceFit, yaw: float | None, count: int) -> float:
    """Returns how far a fit is from the labels and from the yaw, in squared deviations."""
    turn = 0.0 if yaw is None else (fit.yaw - yaw) / YAW_DEVIATION
    return float(count * (fit.error / LABEL_DEVIATION) ** 2 + turn**2)
