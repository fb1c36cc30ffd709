"""Logs for TensorBoard, written with TensorFlow alone; viewing them needs `tensorboard`."""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf


class EventLog:
    """Writes numbers and pictures for TensorBoard.

    TensorFlow 2.21 comes without the package `tensorboard`, and its `tf.summary.scalar` and
    `keras.callbacks.TensorBoard` fail without it; `tf.summary.write` does not.

    Args:
        folder: folder for the event files. Each `EventLog` starts a new file when it first writes;
            TensorBoard shows all files of a folder as one run.
    """

    def __init__(self, folder: str | Path):
        self._folder = str(folder)

    @cached_property
    def _writer(self):
        return tf.summary.create_file_writer(self._folder)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Writes a number."""
        self._write(tag, tf.constant(value, tf.float32), step, "scalars")

    def picture(self, tag: str, picture: np.ndarray, step: int) -> None:
        """Writes a picture `(height, width, 3)` uint8 RGB."""
        png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
        height, width = picture.shape[:2]
        # The plugin's format: width, height, and the pictures as PNG.
        content = tf.constant([str(width).encode(), str(height).encode(), png])
        self._write(tag, content, step, "images")

    def _write(self, tag, tensor, step, plugin):
        """Writes a tensor for one of TensorBoard's plugins."""
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = plugin
        with self._writer.as_default():
            tf.summary.write(tag, tensor, step, metadata)

    def flush(self) -> None:
        """Flushes what was written to the file."""
        self._writer.flush()
