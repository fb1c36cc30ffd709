"""The network on a phone: TensorFlow Lite."""
