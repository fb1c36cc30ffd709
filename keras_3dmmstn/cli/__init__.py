"""The command line: `keras-3dmmstn`."""


def main() -> None:
    """Runs the command line."""
    from keras_3dmmstn.cli.app import app

    app()
