"""The toy face that several tests of meshes flatten."""

import pytest

from keras_3dmmstn.mesh import flatten_symmetric
from keras_3dmmstn.mesh.synthetic import toy_shape_model


@pytest.fixture(scope="module")
def face():
    return toy_shape_model()


@pytest.fixture(scope="module")
def uv(face):
    return flatten_symmetric(face.mean, face.triangles, face.mirror)
