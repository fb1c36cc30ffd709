import threading

from keras_3dmmstn.inference.detection.interpreters import Interpreters


def test_each_thread_has_its_own_and_keeps_those_of_a_few_shapes():
    interpreters = Interpreters("yunet.tflite")
    shapes = [(1, 32 * n + 1, 33, 3) for n in range(1, 6)]
    first = interpreters.of_shape(shapes[0])
    assert interpreters.of_shape(shapes[0]) is first
    others = []
    thread = threading.Thread(target=lambda: others.append(interpreters.of_shape(shapes[0])))
    thread.start()
    thread.join()
    assert others[0] is not first
    for shape in shapes[1:]:
        assert tuple(interpreters.of_shape(shape).get_input_details()[0]["shape"]) == shape
    assert interpreters.of_shape(shapes[0]) is not first
