"""The same face with a texture of another size."""

from dataclasses import replace

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.texture import face_texture


def resampled_face(face: NormalisedFace, texture_size: int) -> NormalisedFace:
    """Returns a face whose texture and mask are sampled anew from its photograph.

    Args:
        face: with the `photograph` that those of a `Normaliser` have.
        texture_size: side of the texture in pixels, from 32 to 2,048.

    Raises:
        ValueError: if the face has no photograph, or the size is not in its range.
    """
    if face.photograph is None:
        raise ValueError(
            "Expected a face with `photograph`, as a Normaliser makes it, received one without."
        )
    grid = (face.points - face.photograph.corner).reshape(*face.grid_shape, 2)
    visible = face.visible.reshape(face.grid_shape)
    texture, mask = face_texture(face.photograph.pixels, grid, visible, texture_size)
    return replace(face, texture=texture, mask=mask)
