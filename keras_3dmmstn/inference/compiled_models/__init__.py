"""Compiled models cached on disk, so that TensorFlow is only needed to make them."""
