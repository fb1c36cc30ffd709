"""Finding faces in a photograph."""

from keras_3dmmstn.inference.detection.face_detector import FaceDetector
from keras_3dmmstn.inference.detection.found_faces import Detector, FoundFaces
from keras_3dmmstn.inference.detection.short_range_detector import ShortRangeDetector

__all__ = ["Detector", "FaceDetector", "FoundFaces", "ShortRangeDetector"]
