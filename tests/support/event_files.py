"""What a run logs for TensorBoard, read back with TensorFlow."""

import tensorflow as tf


def events(folder):
    """Tag to (step, plugin, values) of what is in the event files."""
    found = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                content = tf.make_ndarray(value.tensor)
                found.setdefault(value.tag, []).append((event.step, plugin, content))
    return found
