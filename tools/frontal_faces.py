"""Fits frontal photographs, counts masks with holes or islands, and keeps some for the tests.

python tools/frontal_faces.py FOLDER... [--weights FOLDER] [--out tests/network/frontal_faces.npz]

FOLDERs contain labelled faces, such as `300w/afw` and `youtube/val`. The file gets θ of 200 faces
that look at the viewer, as if all had the same size: coefficients, from which no photograph can be
made. `tests/network/test_mask_of_frontal_faces.py` reads it.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import label

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.fitted_faces import FaceGeometry
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import read_faces

FRONTAL = 10  # degrees of yaw and of pitch, at most
SIZE, SHARE = 224, 0.5179  # of the picture, pixels, and what √(w·h) of the labels is of it
KEPT = 200
_AT_ONCE = 100


def frontal_parameters(normaliser: Normaliser, folders: list[Path]) -> np.ndarray:
    """Returns θ `(n, 6 + D)` of the faces that look at the viewer, at the origin."""
    faces, found = read_faces(folders), []
    for path, landmarks in zip(faces.paths, faces.landmarks[:, :68, :2], strict=True):
        box = framing.tight_box(landmarks)
        (face,) = normaliser(read_photograph(path), box[None])
        if max(abs(face.pose.yaw), abs(face.pose.pitch)) <= FRONTAL:
            found.append(_parameters(face, box))
    return np.array(found, np.float32)


def _parameters(face: NormalisedFace, box: np.ndarray) -> np.ndarray:
    """Returns θ of a face that is moved to the origin and made as large as all others."""
    said, size = face.parameters, np.sqrt(np.prod(box[2:] - box[:2]))
    scale = said["log_scale"] + np.log(SHARE * SIZE / size)
    return np.r_[said["rotation"], 0, 0, scale, said["identity"], said["expression"]]


def main():
    """Fits, counts and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, help="folder of weights; default: the bundled ones")
    parser.add_argument("--out", type=Path, help="the .npz file for the tests")
    arguments = parser.parse_args()
    weights = arguments.weights
    normaliser = Normaliser.load(weights) if weights else Normaliser.pretrained()
    parameters = frontal_parameters(normaliser, arguments.folders)
    geometry = FaceGeometry(normaliser.grid_model, SIZE, "depth", None)
    holes, islands = 0, 0
    for start in range(0, len(parameters), _AT_ONCE):
        for mask in geometry.visible(geometry.fit(parameters[start : start + _AT_ONCE])):
            holes += label(np.pad(~mask, 1, constant_values=True))[1] > 1
            islands += label(mask)[1] > 1
    print(f"{len(parameters)} frontal faces: {holes} masks with holes, {islands} with islands")
    if arguments.out:
        chosen = np.sort(np.random.default_rng(0).permutation(len(parameters))[:KEPT])
        np.savez_compressed(arguments.out, parameters=parameters[chosen].astype(np.float16))


if __name__ == "__main__":
    main()
