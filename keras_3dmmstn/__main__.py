"""`python -m keras_3dmmstn` runs the command `keras-3dmmstn`."""

from keras_3dmmstn.cli import main

if __name__ == "__main__":
    main()
