"""Networks that tell people apart by normalised faces, and how they are trained."""

from keras_3dmmstn.recognition.angular_margin import AngularMarginLoss, CosineClassifier
from keras_3dmmstn.recognition.describing_network import descriptor_network
from keras_3dmmstn.recognition.face_descriptor import FaceDescriptor

__all__ = ["AngularMarginLoss", "CosineClassifier", "FaceDescriptor", "descriptor_network"]
