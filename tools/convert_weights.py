"""Transfers trained weights to another face model: the same features, a new head.

python tools/convert_weights.py OLD_FOLDER NEW_MODEL.npz PHOTOGRAPHS... --out localiser.keras

OLD_FOLDER contains `localiser.keras` and `face_model.npz`; PHOTOGRAPHS are labelled folders. The
old weights predict the landmarks in randomly turned and moved crops of those photographs, and the
new face model is fitted to these points. The new head is the ridge regression of the fits on the
old network's features. Nothing else changes, so the predicted landmarks stay where they were, as
far as the new model has them. The result can also be a start for training (`train --start`).
"""

import argparse
from pathlib import Path

import cv2
import keras
import numpy as np
from face_statistics import FaceStatistics, Fits, fit_faces
from scipy.spatial.transform import Rotation

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT
from keras_3dmmstn.network import framing
from keras_3dmmstn.network.residual_localisers import compact_localiser
from keras_3dmmstn.training.data.faces import read_faces

# Crops are turned by this many degrees, and moved and scaled by these shares of the box
# (standard deviations); half of them are mirrored.
_TURN, _SHIFT, _SCALE = 12.0, 0.04, 0.06
_LANDMARK_DEVIATION = 0.008  # of √(w h)
_STEPS, _BATCH = 8, 400
_RIDGE = 1.0
# Faces that the new model fits worse than this (share of √(w h)) are left out.
_WORST_FIT = 0.03
_SEED = 0


def crops_of(folders, size):
    """Returns crops `(n, size, size, 3)` of labelled photographs, changed at random."""
    rng = np.random.default_rng(_SEED)
    faces = read_faces(folders)
    crops = []
    for path, landmarks in zip(faces.paths, faces.landmarks, strict=True):
        box = framing.tight_box(landmarks[:IBUG68_COUNT, :2])
        side = max(box[2] - box[0], box[3] - box[1])
        x, y, grown = rng.normal(0, (_SHIFT, _SHIFT, _SCALE)) * side
        matrix = framing.crop_matrix(box + [x - grown, y - grown, x + grown, y + grown], size)
        middle = ((size - 1) / 2, (size - 1) / 2)
        turn = cv2.getRotationMatrix2D(middle, rng.normal(0, _TURN), 1.0)
        crop = warp(read_photograph(path), turn @ np.vstack([matrix, [0, 0, 1]]), size)
        crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
    return np.stack(crops).astype(np.float32)


def fitted_to_predictions(old: GridModel, new: GridModel, theta: np.ndarray) -> tuple:
    """Fits the new model to the landmarks of old parameters `(n, 6 + D)`.

    Returns:
        Parameters `(n, 6 + D')` of the new model, and which of them fit.
    """
    shape = old.mean + np.tensordot(theta[:, 6:], old.basis, 1)
    rotations = Rotation.from_rotvec(theta[:, :3]).as_matrix()
    scales, shifts = np.exp(theta[:, 5].astype(float)), theta[:, 3:5].astype(float)
    turned = shape[:, old.landmarks["ibug68"]] @ rotations.transpose(0, 2, 1)
    points = scales[:, None, None] * turned[..., :2] + shifts[:, None]

    landmarks = new.landmarks["ibug68"]
    mean, basis = new.mean[landmarks].astype(float), new.basis[:, landmarks].astype(float)
    prior = FaceStatistics(np.zeros(new.modes), np.eye(new.modes), np.zeros((IBUG68_COUNT, 2)))
    deviations = np.full(IBUG68_COUNT, _LANDMARK_DEVIATION)
    parameters = []
    for start in range(0, len(theta), _BATCH):
        part = slice(start, start + _BATCH)
        zeros = np.zeros((len(points[part]), new.modes))
        fits = Fits(rotations[part], scales[part], shifts[part], zeros, np.empty(0), np.empty(0))
        fits = fit_faces(mean, basis, points[part], prior, deviations, fits, _STEPS)
        turns = Rotation.from_matrix(fits.rotations).as_rotvec()
        log_scales = np.log(fits.scales)[:, None]
        parameters.append(np.hstack([turns, fits.shifts, log_scales, fits.coefficients]))
    parameters = np.concatenate(parameters)
    found = mean + np.tensordot(parameters[:, 6:], basis, 1)
    found = found @ Rotation.from_rotvec(parameters[:, :3]).as_matrix().transpose(0, 2, 1)
    placed = np.exp(parameters[:, 5])[:, None, None] * found[..., :2] + parameters[:, None, 3:5]
    box = np.sqrt(np.ptp(points, axis=1).prod(axis=1))
    distance = np.linalg.norm(placed - points, axis=2).mean(axis=1) / box
    print(f"new model on old predictions: {100 * distance.mean():.2f} % of √(w·h)")
    return parameters, distance < _WORST_FIT


def raw_output(parameters, scaling, size):
    """Returns what a head has to give for θ: `ParameterScaling` the other way round."""
    config = scaling.get_config()
    turns = np.pi / 0.3 * np.arctanh(parameters[:, :3] / np.pi)
    shifts = (parameters[:, 3:5] - config["translation"]) / (0.05 * size)
    log_scales = (parameters[:, 5:6] - config["log_scale"]) / 0.1
    return np.hstack([turns, shifts, log_scales, parameters[:, 6:]])


def main():
    """Reads the command line, converts the weights and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path, help="folder of the weights")
    parser.add_argument("model", type=Path, help="the new face model")
    parser.add_argument("photographs", type=Path, nargs="+", help="labelled folders")
    parser.add_argument("--out", type=Path, required=True, help="the .keras file to write")
    arguments = parser.parse_args()

    old, new = Normaliser.load(arguments.old), GridModel.load(arguments.model)
    size, localiser = old.image_size, old.localiser
    crops = crops_of(arguments.photographs, size)
    body = keras.Model(localiser.input, localiser.get_layer("head").input)
    features = body.predict(crops, verbose=0)
    theta = localiser.predict(crops, verbose=0)
    parameters, good = fitted_to_predictions(old.grid_model, new, theta)

    converted = compact_localiser(new, size)
    wanted = raw_output(parameters, converted.get_layer("parameter_scaling"), size)[good]
    centred = features[good] - features[good].mean(axis=0)
    normal = centred.T @ centred + _RIDGE * np.eye(centred.shape[1])
    kernel = np.linalg.solve(normal, centred.T @ (wanted - wanted.mean(axis=0)))
    bias = wanted.mean(axis=0) - features[good].mean(axis=0) @ kernel
    converted.get_layer("compact").set_weights(localiser.get_layer("compact").get_weights())
    converted.get_layer("head").set_weights([kernel, bias])
    converted.save(arguments.out)
    print(f"{arguments.out}: head of {good.sum()} faces")


if __name__ == "__main__":
    main()
