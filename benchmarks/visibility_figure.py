"""Draws what each way of computing self-occlusion gets wrong, for docs/visibility.md.

python benchmarks/visibility_figure.py [--out docs/figures/visibility.png]

One random bundled face in three poses, a row each: cast rays, then normals, table and depth.
Orange is visible for the method and hidden for the rays, blue the other way round.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from visibility import OFFSET, masks_of

from keras_3dmmstn import GridModel, ops
from keras_3dmmstn.mesh import occlusion_table
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals, occluded_vertices

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
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = Path(__file__).parents[1] / "docs/figures/visibility.png"
    parser.add_argument("--out", type=Path, default=default)
    cv2.imwrite(str(parser.parse_args().out), draw_masks(GridModel.bundled()))


if __name__ == "__main__":
    main()
