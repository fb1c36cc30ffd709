"""Scenes at any size and turn, faces in groups, and pictures without faces."""

from collections.abc import Sequence

import cv2
import numpy as np
from labelled_scenes import Scene, moved, size_of

from keras_3dmmstn.inference.photograph import shrunk
from keras_3dmmstn.network.framing import tight_box

# What lies by this part of a face's size beside it is no part of it; smaller parts are not used.
_BESIDE, _LEAST_PART = 0.2, 40


def resized(scene: Scene, scale: float) -> Scene:
    """Returns a scene made larger or smaller."""
    image, matrix = scene.image, np.eye(2, 3)
    factor = int(1 / scale)
    if factor > 1:
        image, matrix = shrunk(image, matrix, factor)
    size = np.maximum(1, np.round(np.array(scene.image.shape[1::-1]) * scale)).astype(int)
    # From the small picture's pixels to the photograph's, and from these to the result's.
    to_photograph = np.vstack([matrix, [0, 0, 1]])
    to_result = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    image = cv2.warpAffine(
        image, to_result @ to_photograph, size.tolist(), borderMode=cv2.BORDER_REPLICATE
    )
    return Scene(image, [moved(face, to_result) for face in scene.faces])


def turned(scene: Scene, degrees: float) -> Scene:
    """Returns a scene turned clockwise; the picture grows, and what is new is black."""
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    old = np.array(scene.image.shape[1::-1])
    new = np.ceil(np.abs(turn) @ old - 1e-6).astype(int)
    matrix = np.column_stack([turn, (new - 1) / 2 - turn @ ((old - 1) / 2)])
    image = cv2.warpAffine(scene.image, matrix, new.tolist())
    return Scene(image, [moved(face, matrix) for face in scene.faces])


def background(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a picture of soft coloured blots with fine noise, in which there is no face."""
    image = np.full((height, width, 3), 128.0)
    for cells in (3, 9, 27):
        blots = rng.normal(0, 60 / np.sqrt(cells), (cells, cells, 3))
        image += cv2.resize(blots, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def pasted(scene: Scene, canvas: np.ndarray, corner: np.ndarray) -> Scene:
    """Writes a scene into a canvas, its top left pixel at `corner`, and returns it there.

    What does not fit is cut off.
    """
    corner = np.round(corner).astype(int)
    low = np.maximum(corner, 0)
    high = np.minimum(corner + scene.image.shape[1::-1], canvas.shape[1::-1])
    from_low, from_high = low - corner, high - corner
    canvas[low[1] : high[1], low[0] : high[0]] = scene.image[
        from_low[1] : from_high[1], from_low[0] : from_high[0]
    ]
    return Scene(canvas, [face + corner for face in scene.faces])


def at_size(scene: Scene, size: float, shape: tuple[int, int], rng: np.random.Generator) -> Scene:
    """Returns a face of `size` pixels somewhere in a picture of (width, height) pixels.

    The picture is larger where the face needs it: at least one and a half faces.
    """
    small = resized(scene, size / size_of(scene.faces[0]))
    width, height = (max(side, int(1.5 * size)) for side in shape)
    middle = tight_box(small.faces[0]).reshape(2, 2).mean(axis=0)
    room = np.maximum(np.array([width, height]) / 2 - 0.75 * size, 0)
    target = np.array([width, height]) / 2 + rng.uniform(-1, 1, 2) * room
    return pasted(small, background(width, height, rng), target - middle)


def group(
    scenes: Sequence[Scene],
    sizes: Sequence[float],
    turns: Sequence[float],
    rng: np.random.Generator,
    columns: int = 4,
    rows: int = 3,
) -> Scene:
    """Returns a group photograph of 1,200 x 800 pixels.

    Args:
        scenes: of one face each, columns x rows of them.
        sizes: of each face in pixels.
        turns: of each face in degrees, clockwise.
        rng: where in its part of the picture each face lies.
        columns, rows: of faces.
    """
    canvas, faces = background(1200, 800, rng), []
    cell = np.array([1200 / columns, 800 / rows])
    for number, (scene, size, degrees) in enumerate(zip(scenes, sizes, turns, strict=True)):
        one = turned(resized(scene, size / size_of(scene.faces[0])), degrees)
        middle = tight_box(one.faces[0]).reshape(2, 2).mean(axis=0)
        half = np.minimum(cell / 2 - 1, 0.9 * size)
        # Nothing of a neighbour's part is written over.
        one, offset = _cut(one, middle, half)
        room = np.maximum(cell / 2 - half, 0)
        place = np.array([number % columns, number // columns])
        target = (place + 0.5) * cell + rng.uniform(-1, 1, 2) * room
        faces += pasted(one, canvas, target - (middle - offset)).faces
    return Scene(canvas, faces)


def _cut(scene, middle, half):
    """Returns the part of a scene within `half` (x, y) of a middle, and its first pixel."""
    size = np.array(scene.image.shape[1::-1])
    low = np.clip(np.round(middle - half), 0, size - 1).astype(int)
    high = np.clip(np.round(middle + half), low + 1, size).astype(int)
    part = scene.image[low[1] : high[1], low[0] : high[0]]
    return Scene(part, [face - low for face in scene.faces]), low


def without_faces(scenes: Sequence[Scene], rng: np.random.Generator) -> list[np.ndarray]:
    """Returns pictures without a face: corners of photographs, textures, noise, grey.

    Args:
        scenes: photographs of one face each. What lies beside the face and below it is enlarged
            to 320 pixels.
        rng: for noise and textures.
    """
    pictures = []
    for scene in scenes:
        x0, _, x1, y1 = tight_box(scene.faces[0]).astype(int)
        gap = int(_BESIDE * size_of(scene.faces[0]))
        image = scene.image
        for part in (image[:, : max(0, x0 - gap)], image[:, x1 + gap :], image[y1 + gap :]):
            if min(part.shape[:2]) >= _LEAST_PART:
                scale = 320 / max(part.shape[:2])
                pictures.append(cv2.resize(part, None, fx=scale, fy=scale))
    for _ in range(10):
        pictures.append(background(640, 480, rng))
        pictures.append(rng.integers(0, 256, (480, 640, 3), dtype=np.uint8))
        coarse = rng.integers(0, 256, (15, 20, 3), dtype=np.uint8)
        pictures.append(cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_NEAREST))
    pictures += [np.full((480, 640, 3), grey, np.uint8) for grey in (0, 64, 128, 255)]
    return pictures
