"""Finding faces in a photograph."""

from keras_3dmmstn.inference.detection.face_detector import FaceDetector
from keras_3dmmstn.inference.detection.found_faces import FoundFaces

__all__ = ["FaceDetector", "FoundFaces"]
