"""Face models fitted to hand-placed landmarks: how well does each explain real faces?

python experiments/landmark_fit.py FOLDER... [--models MODELS] [--identity 10 --expression 6]
    [--photographs 300] [--record]

FOLDER is a folder of 300-W: photographs with `.pts` files. MODELS is a folder of published face
models (`published_models.py` lists them); without it only the bundled model is fitted. Each face
gets the similarity and the coefficients that minimise

    Σ |y_l − (s P R x_l(α) + t)|² / (0.02 b)² + |α|²,   b = √(w h) of the tight box of the points,

by Gauss-Newton. Prints the mean distances over the 68 points and over the 51 inner ones, in % of b.
"""

from pathlib import Path

import cv2
import numpy as np
from experiment import experiment_parser, results_file, write_results
from published_models import present_models, read_with_all_modes

from keras_3dmmstn.mesh import GridModel, ShapeModel
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.fitting.weak_perspective import (
    first_pose,
    gauss_newton_step,
    projection_jacobian,
)

LANDMARK_DEVIATION = 0.02  # of √(w h)
ROUNDS = 40


def fit(mean: np.ndarray, basis: np.ndarray, points: np.ndarray, deviation: float):
    """Fits a model's landmarks to points in a photograph.

    Args:
        mean: `(68, 3)`; basis: `(modes, 68, 3)`.
        points: `(68, 2)` pixels.
        deviation: of the points, pixels.

    Returns:
        The fitted points `(68, 2)` and the coefficients.
    """
    rotation, scale, shift = first_pose(mean, points)
    alpha = np.zeros(len(basis))
    for _ in range(ROUNDS):
        turned = (mean + np.tensordot(alpha, basis, 1)) @ rotation.T
        residual = (scale * turned[:, :2] + shift - points) / deviation
        jacobian = projection_jacobian(turned, basis, rotation, scale) / deviation
        step = gauss_newton_step(jacobian.reshape(residual.size, -1), residual.ravel(), alpha)
        rotation = cv2.Rodrigues(step[:3])[0] @ rotation
        shift, scale = shift + step[3:5], scale * np.exp(step[5])
        alpha = alpha + step[6:]
    turned = (mean + np.tensordot(alpha, basis, 1)) @ rotation.T
    return scale * turned[:, :2] + shift, alpha


def errors(mean: np.ndarray, basis: np.ndarray, photographs: np.ndarray) -> np.ndarray:
    """Returns the `(photographs, 68)` distances after the fit, in % of the box."""
    result = []
    for points in photographs:
        box = np.sqrt(np.ptp(points, axis=0).prod())
        fitted, _ = fit(mean, basis, points, LANDMARK_DEVIATION * box)
        result.append(100 * np.linalg.norm(fitted - points, axis=1) / box)
    return np.array(result)


def landmark_models(folder: Path | None, identity: int, expression: int) -> dict:
    """Returns name to mean `(68, 3)` and basis of the landmarks, with so many modes at most."""
    models: dict[str, GridModel | ShapeModel] = {"bundled": GridModel.bundled()}
    for name in present_models(folder):
        models[name] = read_with_all_modes(folder, name, identity, expression)
    result = {}
    for name, model in models.items():
        first = model.identity_count
        modes = [*range(min(identity, first)), *range(first, min(first + expression, model.modes))]
        points = model.landmarks["ibug68"]
        mean = model.mean[points].astype(float)
        result[name] = (mean, model.basis[modes][:, points].astype(float))
    return result


def main():
    """Fits all models, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--models", type=Path, help="folder of published face models")
    parser.add_argument("--identity", type=int, default=10)
    parser.add_argument("--expression", type=int, default=6)
    parser.add_argument("--photographs", type=int, default=300)
    arguments = parser.parse_args()

    points = read_faces(arguments.folders).landmarks[:, :68, :2].astype(float)
    chosen = np.random.default_rng(0).permutation(len(points))[: arguments.photographs]
    points = points[np.sort(chosen)]
    record: dict = {"photographs": len(points), "models": {}}
    print(f"{len(points)} faces; mean distance in % of √(w h), 68 points / 51 inner points")
    modes = arguments.identity, arguments.expression
    for name, (mean, basis) in landmark_models(arguments.models, *modes).items():
        distances = errors(mean, basis, points)
        all_points, inner = float(distances.mean()), float(distances[:, 17:].mean())
        record["models"][name] = {"modes": len(basis), "all": all_points, "inner": inner}
        print(f"{name:18} {len(basis):3d} modes  {all_points:.2f} / {inner:.2f}")
    out = results_file("landmark_fit.json", arguments.record)
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
