"""Draws what each way of computing self-occlusion gets wrong, for docs/visibility.md.

python experiments/visibility_figure.py [--record]

One random face of the bundled model in three poses, one row each: ray casting, then normals, table
and depth. Orange vertices are visible by the method but hidden by the rays, blue ones the reverse.
Writes build/experiments/visibility.png, or docs/figures/visibility.png with --record.
"""

import cv2
import numpy as np
import tensorflow as tf
from experiment import FOLDER, experiment_parser, results_file
from mask_methods import masks_of
from visibility import OFFSET

from keras_3dmmstn import GridModel, ops
from keras_3dmmstn.mesh import occlusion_table
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals, occluded_vertices

FIGURE = FOLDER.parent / "docs/figures/visibility.png"
YAWS = (25, 45, 65)  # between the table's directions
WHITE, ORANGE, BLUE, GREY = (255, 255, 255), (0, 120, 255), (255, 90, 0), 128  # BGR


def draw_masks(model: GridModel) -> np.ndarray:
    """Returns the picture, `(height, width, 3)` uint8 BGR."""
    table = tf.constant(occlusion_table(model))
    vertices = model.shape(np.random.default_rng(1).normal(size=model.modes)).astype(float)
    normals = grid_normals(vertices, model.grid_shape)
    rows = []
    for yaw in YAWS:
        turn = tf.constant([[0.0, np.radians(yaw), 0.0]], tf.float64)
        rotation = ops.axis_angle_to_matrix(turn).numpy()
        occluded = occluded_vertices(vertices, model.triangles, normals, -rotation[:, 2], OFFSET)
        truth = ((normals @ -rotation[0, 2] > 0) & ~occluded[0]).reshape(model.grid_shape)
        points = (vertices @ rotation[0].T)[None]
        masks = masks_of(tf.constant(points), rotation, model.grid_shape, table)
        pictures = [coloured(truth, truth)]
        pictures += [coloured(mask.numpy()[0, ..., 0] > 0, truth) for mask in masks.values()]
        rows.append(
            np.hstack([np.pad(a, [(2, 2), (2, 2), (0, 0)], constant_values=GREY) for a in pictures])
        )
    return np.vstack(rows).repeat(2, axis=0).repeat(2, axis=1)


def coloured(seen: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns a mask `(H', W')` as a picture that shows where it differs from the truth."""
    picture = np.zeros((*seen.shape, 3), np.uint8)
    picture[seen & truth], picture[seen & ~truth], picture[truth & ~seen] = WHITE, ORANGE, BLUE
    return picture


def main() -> None:
    """Draws the picture and prints where it is."""
    record = experiment_parser(__doc__).parse_args().record
    out = FIGURE if record else results_file(FIGURE.name, record)
    cv2.imwrite(str(out), draw_masks(GridModel.bundled()))
    print(out)


if __name__ == "__main__":
    main()
