"""The command line: `keras-3dmmstn`."""

import os
import sys


def main() -> None:
    """Runs the command line, in a process of its own."""
    # Whatever backend the user's other programs use.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from keras_3dmmstn.cli.stopping import stopping_on_signals

    with stopping_on_signals():
        from keras_3dmmstn.cli.encodings import print_what_there_is

        for stream in (sys.stdout, sys.stderr):
            # A name that the terminal cannot print is no reason to fail.
            print_what_there_is(stream)
        from keras_3dmmstn.cli.app import app
        from keras_3dmmstn.cli.native_output import NativeOutput
        from keras_3dmmstn.cli.terminal import (
            naming_full_outputs,
            naming_missing_memory,
            naming_opencv_problems,
        )

        native_output = NativeOutput()
        with (
            native_output,
            naming_full_outputs(),
            naming_missing_memory(),
            naming_opencv_problems(),
        ):
            app(obj=native_output)
