"""The command line: `keras-3dmmstn`."""

from keras_3dmmstn.cli.app import app, main

__all__ = ["app", "main"]
