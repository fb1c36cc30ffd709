"""Settings of Keras that hold for a whole program, for a while."""

from contextlib import contextmanager

import keras


@contextmanager
def global_setting(setting):
    """Sets a policy such as "mixed_float16", "floatx FLOAT" or "channels_first"."""
    before = (
        keras.config.floatx(),
        keras.config.image_data_format(),
        keras.config.dtype_policy(),
    )
    try:
        if setting.startswith("floatx "):
            keras.config.set_floatx(setting.removeprefix("floatx "))
            keras.config.set_dtype_policy(keras.config.floatx())
        elif setting == "channels_first":
            keras.config.set_image_data_format(setting)
        else:
            keras.config.set_dtype_policy(setting)
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_image_data_format(before[1])
        keras.config.set_dtype_policy(before[2])
