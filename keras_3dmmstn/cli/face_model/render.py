"""`keras-3dmmstn face-model render`: pictures of a grid model."""

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import Model, OutFolder, load_face_model
from keras_3dmmstn.cli.progress import tracking


def render(model: Model, out: OutFolder) -> None:
    """Draw a grid model: mean, modes at ±2.5, geometry image and texture layout with landmarks."""
    from keras_3dmmstn.drawing.face_model_pictures import draw_model

    face = load_face_model(model)
    with terminal.failing_on(OSError):
        out.mkdir(parents=True, exist_ok=True)
        for path in draw_model(face, out, tracking("Drawing the modes")):
            terminal.tell(path)
