"""Numbers by which faces are chosen: size, pose, light, sharpness, open mouths, closed eyes."""

from keras_3dmmstn.inference.quantities.face_quantities import FaceQuantities, face_quantities

__all__ = ["FaceQuantities", "face_quantities"]
