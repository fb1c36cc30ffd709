"""`keras-3dmmstn figure uv`: a face model, flattened."""

from keras_3dmmstn.cli.figure.picture_file import PictureFile, write_picture
from keras_3dmmstn.cli.options import FaceModel, load_face_model


def uv(out: PictureFile, face_model: FaceModel = None) -> None:
    """Figure 3: the mean face, flattened with a checkerboard, and as a geometry image."""
    from keras_3dmmstn.drawing.figures import uv_figure

    write_picture(out, uv_figure(load_face_model(face_model)))
