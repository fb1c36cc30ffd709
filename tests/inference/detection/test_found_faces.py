import numpy as np
import pytest

from keras_3dmmstn.inference.detection import FoundFaces


def test_it_has_as_many_faces_as_boxes():
    assert len(FoundFaces(np.zeros((3, 4)), np.zeros(3), np.zeros(3))) == 3
    assert len(FoundFaces(np.zeros((0, 4)), np.zeros(0), np.zeros(0))) == 0


@pytest.mark.parametrize("shapes", [((2, 4), 1, 2), ((2, 4), 2, 3), ((2, 5), 2, 2), ((), (), ())])
def test_shapes_that_do_not_go_together_are_refused(shapes):
    with pytest.raises(ValueError, match=r"boxes \(n, 4\), scores \(n,\) and rolls \(n,\)"):
        FoundFaces(*(np.zeros(shape) for shape in shapes))
