"""The command line: `keras-3dmmstn`."""

import os


def main() -> None:
    """Runs the command line."""
    # The process is the command's own, so that the choice is, too.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # TensorFlow's notes would hide ours; it reads this when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_3dmmstn.cli.app import app

    app()
