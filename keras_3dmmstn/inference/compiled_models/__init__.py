"""Compiled models that are kept on disk, so that TensorFlow is only needed to make them."""
