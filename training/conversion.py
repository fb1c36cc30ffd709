"""The conversion of labelled photographs to shards, under its public name."""

from keras_3dmmstn.training.data.conversion import convert

__all__ = ["convert"]
