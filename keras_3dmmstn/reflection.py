"""Images and their reflections in one batch, under its public name."""

from keras_3dmmstn.network.reflection import with_reflections

__all__ = ["with_reflections"]
