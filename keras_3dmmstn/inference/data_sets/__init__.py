"""Whole data sets: normalised shard by shard on many processors and machines, and read back."""

from keras_3dmmstn.inference.data_sets.data_set import normalise_data_set
from keras_3dmmstn.inference.data_sets.reading import read_normalised

__all__ = ["normalise_data_set", "read_normalised"]
