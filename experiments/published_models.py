"""The published face models that an experiment can measure, and how each is read."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh import ShapeModel
from keras_3dmmstn.mesh.readers import read
from keras_3dmmstn.mesh.readers.blendshapes import modes_from_blendshapes

#: Name to kind of reader and path below the folder of models.
MODELS = {
    "Basel, 3DDFA cut": ("tddfa", "bfm_3ddfa_53215.npz"),
    "ICT": ("ict", "ict/FaceXModel"),
    "Surrey": ("surrey", "sfm"),
}
# ICT's face area with all its modes, in centimetres, y up. Where it lies beside `ict/FaceXModel`,
# that folder may hold as few as five OBJ files.
_ICT_FACE = "ict/ict_face9409_f32.npz"


def present_models(folder: Path | None) -> dict[str, tuple[str, Path]]:
    """Returns name to kind and path of the models that a folder holds; none without a folder."""
    if folder is None:
        return {}
    return {
        name: (kind, folder / path)
        for name, (kind, path) in MODELS.items()
        if (folder / path).exists()
    }


def read_with_all_modes(folder: Path, name: str, identity: int, expression: int) -> ShapeModel:
    """Reads a model of a folder with so many modes."""
    kind, path = present_models(folder)[name]
    if kind == "ict" and (folder / _ICT_FACE).exists():
        return _read_ict_face(folder / _ICT_FACE, identity, expression)
    return read(kind, path, identity=identity, expression=expression)


def _read_ict_face(path, identity, expression):
    """Reads ICT's face area; blend shapes are active as `read_ict` has it, without the gaze."""
    arrays = np.load(path)
    axes = np.array([10.0, -10.0, -10.0])
    names = [str(name) for name in arrays["expression_names"]]
    kept = [k for k, name in enumerate(names) if not name.startswith("eyeLook")]
    covariance = 0.25**2 * np.eye(len(kept))
    for i, a in enumerate(kept):
        for j, b in enumerate(kept):
            if i != j and names[a][:-2] == names[b][:-2] and names[a][-2:] in ("_L", "_R"):
                covariance[i, j] = 0.8 * 0.25**2
    quads = arrays["faces_quad"]
    modes = modes_from_blendshapes(arrays["expression"][kept].astype(float), covariance)
    return ShapeModel(
        mean=arrays["mean"] * axes,
        basis=np.concatenate([arrays["identity"][:identity], modes[:expression]]) * axes,
        triangles=np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]),
        landmarks={"ibug68": arrays["landmarks68"]},
        identity_count=identity,
        name="ICT",
    )
