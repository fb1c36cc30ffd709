"""Finding faces in a photograph."""

from keras_3dmmstn.inference.detection.face_detector import FaceDetector
from keras_3dmmstn.inference.detection.found_faces import Detector, FoundFaces

__all__ = ["Detector", "FaceDetector", "FoundFaces"]
