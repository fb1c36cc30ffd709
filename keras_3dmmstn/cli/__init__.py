"""The command line: `keras-3dmmstn`."""

import os


def main() -> None:
    """Runs the command line, in a process of its own."""
    # Whatever backend the user's other programs have.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from keras_3dmmstn.cli.app import app
    from keras_3dmmstn.cli.native_output import NativeOutput

    with NativeOutput() as native_output:
        app(obj=native_output)
