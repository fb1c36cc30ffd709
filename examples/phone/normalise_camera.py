"""Camera frames to normalised faces with LiteRT, NumPy and OpenCV alone.

    pip install ai-edge-litert numpy opencv-python
    python normalise_camera.py keras_3dmmstn-float16.tflite --detector blaze_face.tflite

The source is the number of a camera, a video or a photograph. The first box of the face comes from
a BlazeFace model (short range, 128 × 128) or from --box. After that, the landmarks of each frame
frame the face in the next one, as long as the detector sees one there and the network is sure of
it. Shows the texture in a window, or writes it to --out.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

try:
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.cpu_options import CpuOptions
    from ai_edge_litert.options import Options
except ImportError:  # an older version, which has Interpreter alone
    CompiledModel = None

# Side of the square in which the detector checks a face that is followed, in sides of its box.
LOOK_SHARE = 1.75
# Below this confidence there is no face, or the network has lost it.
SURE = 0.5
# Frames after which the detector searches the whole frame again, in case of another, larger face.
LOOK_AGAIN = 30


class Model:
    """A .tflite file with one input, in one thread: the operators are too small to share.

    Args:
        path: the file.
    """

    def __init__(self, path):
        start = interpreted if CompiledModel is None else compiled
        try:
            self.run, self.shape = start(str(path))
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise SystemExit(f"Expected a .tflite file, received {path}: {reason}") from error

    def __call__(self, image):
        """Returns the outputs by name for an image `(height, width, 3)`."""
        return {name: value[0] for name, value in self.run(image[None].astype(np.float32)).items()}


def compiled(path):
    """Returns what runs a file with LiteRT's CompiledModel, and the shape of its input."""
    model = CompiledModel.from_file(path, options=Options(cpu_options=CpuOptions(num_threads=1)))
    (signature,) = model.get_signature_list()
    ((name, given),) = model.get_input_tensor_details(signature).items()
    shapes = {
        output: details["shape"]
        for output, details in model.get_output_tensor_details(signature).items()
    }
    image = model.create_input_buffer_by_name(signature, name)
    outputs = {output: model.create_output_buffer_by_name(signature, output) for output in shapes}

    def run(images):
        image.write(images)
        model.run_by_name(signature, {name: image}, outputs)
        return {
            output: buffer.read(int(np.prod(shapes[output])), np.float32).reshape(shapes[output])
            for output, buffer in outputs.items()
        }

    return run, list(given["shape"])


def interpreted(path):
    """Returns the same of LiteRT's older Interpreter, which gives the same numbers."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()

    def run(images):
        interpreter.set_tensor(given["index"], images)
        interpreter.invoke()
        return {
            output["name"]: interpreter.get_tensor(output["index"])
            for output in interpreter.get_output_details()
        }

    return run, given["shape"].tolist()


class FaceNormaliser:
    """The exported network with its card.

    Args:
        path: the .tflite file; its card is beside it.
    """

    def __init__(self, path):
        self.model = Model(path)
        card = Path(path).with_suffix(".json")
        try:
            given = json.loads(card.read_text("utf-8"))["input"]
            self.size, self.share = int(given["shape"][1]), float(given["box"]["share"])
        except OSError as error:
            raise SystemExit(f"{path}: expected its card beside it, {card}.") from error
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise SystemExit(f"{card}: expected the card of {path}: {error!r}") from error

    def __call__(self, frame, box):
        """Normalises one face.

        Args:
            frame: `(height, width, 3)` uint8, RGB.
            box: x0, y0, x1, y1: the tight box of the 68 landmarks, in pixels of the frame.

        Returns:
            `texture` `(H', W', 3)` uint8 and `mask` `(H', W', 1)`, `landmarks` `(68, 2)` in pixels
            of the frame, and `confidence`, 0 to 1; 1 if the network has none.
        """
        matrix = square_to_crop(box, self.share, self.size)
        outputs = self.model(cut(frame, matrix, self.size))
        return {
            "texture": np.round(outputs["texture"]).astype(np.uint8),
            "mask": outputs["mask"],
            "landmarks": (outputs["landmarks"] - matrix[:, 2]) / matrix[0, 0],
            "confidence": float(outputs.get("confidence", [1.0])[0]),
        }


class FaceDetector:
    """BlazeFace, short range: of its 896 anchors, the one with the highest score counts.

    Args:
        path: the .tflite file.
    """

    def __init__(self, path):
        self.model = Model(path)
        expected, received = [1, 128, 128, 3], self.model.shape
        if received != expected:
            raise SystemExit(
                f"{path}: expected BlazeFace, with input of shape {expected}, received {received}."
            )
        self.size = expected[1]
        # Two anchors in each of 16 × 16 cells, six in each of 8 × 8.
        self.anchors = np.concatenate([np.repeat(cells(16), 2, 0), np.repeat(cells(8), 6, 0)])

    def __call__(self, frame):
        """Returns the box of the landmarks of a face in a frame, or None."""
        height, width = frame.shape[:2]
        side = max(height, width)
        scale, middle = self.size / side, (self.size - 1) / 2
        shift = [middle - scale * (width - 1) / 2, middle - scale * (height - 1) / 2]
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        score, (x, y, w, h) = self.best(cut(frame, matrix, self.size))
        if score < 0.5:
            return None
        x, y = (np.array([x, y]) - matrix[:, 2]) / scale
        return landmark_box(x, y, w / scale, h / scale)

    def sees(self, frame, box):
        """Says whether there is a face in the box of its landmarks, turned by 60° at most."""
        score, _ = self.best(cut(frame, square_to_crop(box, LOOK_SHARE, self.size), self.size))
        return score >= 0.5

    def best(self, square):
        """Returns the highest score, and centre and size of that face in pixels of the square."""
        outputs = self.model(square / 127.5 - 1).values()
        logits, boxes = sorted(outputs, key=lambda values: values.shape[-1])
        best = int(np.argmax(logits))
        # The detector counts from the border of the first pixel, not from its centre.
        centre = boxes[best, :2] + self.anchors[best] * self.size - 0.5
        return 1 / (1 + np.exp(-float(logits[best, 0]))), (*centre, *boxes[best, 2:4])


def square_to_crop(box, share, size):
    """Returns the matrix from frame to crop `(2, 3)`; pixel centres are at integers in both.

    The crop is the square about the middle of the box whose side is `share` larger sides of it.
    """
    low, high = np.array(box[:2], float), np.array(box[2:], float)
    scale = size / (share * (high - low).max())
    shift = (size - 1) / 2 - scale * (low + high) / 2
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def cut(frame, matrix, size):
    """Cuts the square `(size, size, 3)` out of a frame; averages where that makes it smaller."""
    factor = max(1, int(1 / matrix[0, 0]))
    height, width = (-(-side // factor) for side in frame.shape[:2])
    if factor > 1:
        bottom, right = height * factor - frame.shape[0], width * factor - frame.shape[1]
        frame = cv2.copyMakeBorder(frame, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    to_frame = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]])
    return cv2.warpAffine(frame, matrix @ to_frame, (size, size), flags=cv2.INTER_LINEAR)


def cells(count):
    """Returns the middles of count × count cells, `(count², 2)` x, y in 0..1."""
    middles = (np.arange(count) + 0.5) / count
    x, y = np.meshgrid(middles, middles)
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def landmark_box(x, y, width, height):
    """Returns the tight box of the 68 landmarks for a box of BlazeFace with this centre.

    The numbers are medians over labelled photographs. The box of a single face is off by up to a
    tenth; running the network again with the box of its landmarks makes up for that.
    """
    y, width, height = y + 0.065 * height, 0.95 * width, 0.93 * height
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def tight_box(landmarks):
    """Returns x0, y0, x1, y1 around points `(n, 2)`."""
    return np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)])


def follow(frames, normalise, detect=None, box=None):
    """Yields each frame with what the network says of its face, or None without a face.

    Args:
        frames: `(height, width, 3)` uint8 images, RGB, in order.
        normalise: a `FaceNormaliser`.
        detect: a `FaceDetector`; None if the first box is known.
        box: the first box. Without a detector, a face that is lost is looked for where it was.
    """
    for number, frame in enumerate(frames):
        if detect and box is not None and not detect.sees(frame, box):
            box = None
        if detect and (box is None or number % LOOK_AGAIN == 0):
            box = found_box(frame, normalise, detect)
        face = sure_face(frame, normalise, box)
        if detect and box is not None and face is None:  # it has moved too far to be followed
            box = found_box(frame, normalise, detect)
            face = sure_face(frame, normalise, box)
        if face is not None:
            box = tight_box(face["landmarks"])
        elif detect:
            box = None
        yield frame, face


def found_box(frame, normalise, detect):
    """Returns the box of the landmarks of the face that the detector finds, or None."""
    found = detect(frame)
    return None if found is None else tight_box(normalise(frame, found)["landmarks"])


def sure_face(frame, normalise, box):
    """Returns what the network says of the face in a box; None without one that it is sure of."""
    face = None if box is None else normalise(frame, box)
    return None if face is None or face["confidence"] < SURE else face


def read_frames(source):
    """Yields the frames of a camera (a number), a video or a photograph, RGB."""
    photograph = None if source.isdigit() else cv2.imread(source)
    if photograph is not None:
        yield cv2.cvtColor(photograph, cv2.COLOR_BGR2RGB)
        return
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not capture.isOpened():
        raise SystemExit(f"Expected a camera, a video or a photograph, received {source}.")
    while (read := capture.read())[0]:
        yield cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
    capture.release()


def main():
    """Normalises frames until the source ends or a key is pressed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help=".tflite file with its .json beside it")
    parser.add_argument("--source", default="0", help="number of a camera, video or photograph")
    parser.add_argument("--detector", type=Path, help=".tflite file of BlazeFace, short range")
    parser.add_argument(
        "--box", type=four_numbers, help="x0,y0,x1,y1 of the landmarks in the first frame"
    )
    parser.add_argument("--out", type=Path, help="folder for textures; a window if absent")
    arguments = parser.parse_args()
    if not arguments.detector and not arguments.box:
        parser.error("one of --detector and --box is needed")
    detect = FaceDetector(arguments.detector) if arguments.detector else None
    normalise = FaceNormaliser(arguments.model)
    frames = follow(read_frames(arguments.source), normalise, detect, arguments.box)
    try:
        if arguments.out:
            write(frames, arguments.out)
        else:
            show(frames)
    except OSError as error:
        raise SystemExit(f"{error.filename or arguments.out}: {error.strerror or error}") from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def four_numbers(text):
    """Returns the numbers of "x0,y0,x1,y1", of a box with an extent."""
    try:
        x0, y0, x1, y1 = box = [float(number) for number in text.split(",")]
    except ValueError:
        x0, y0, x1, y1 = box = [np.nan] * 4
    if not (np.isfinite(box).all() and x0 < x1 and y0 < y1):
        raise argparse.ArgumentTypeError(f"expected x0,y0,x1,y1 of a box, received {text}")
    return box


def write(frames, folder):
    """Writes the texture of each frame with a face, and prints the box of its landmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    written = False
    for number, (_, face) in enumerate(frames):
        if face is not None:
            written = True
            texture = cv2.cvtColor(face["texture"], cv2.COLOR_RGB2BGR)
            path = folder / f"{number:06}.png"
            path.write_bytes(cv2.imencode(".png", texture)[1].tobytes())
            print(number, *np.round(tight_box(face["landmarks"]), 1))
    if not written:
        raise SystemExit("There is no face that the network is sure of.")


def show(frames):
    """Shows each frame in a window until a key is pressed."""
    for frame, face in frames:
        try:
            cv2.imshow("face", picture(frame, face))
            if cv2.waitKey(1) >= 0:
                break
        except cv2.error as error:
            raise SystemExit("There is no window to show faces in: give --out.") from error


def picture(frame, face):
    """Returns the frame, BGR, with the landmarks, and the texture in its corner."""
    frame = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    if face is not None:
        for point in np.round(face["landmarks"]).astype(int):
            cv2.circle(frame, point.tolist(), 1, (0, 255, 0), -1)
        texture = cv2.cvtColor(face["texture"], cv2.COLOR_RGB2BGR)
        # At most half of the frame's smaller side: a file may have textures of any size.
        scale = min(1, min(frame.shape[:2]) / 2 / max(texture.shape[:2]))
        texture = cv2.resize(texture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        height, width = texture.shape[:2]
        frame[:height, :width] = texture
    return frame


if __name__ == "__main__":
    main()
