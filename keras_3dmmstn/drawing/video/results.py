"""Writing what was found in a video, while it is played."""

import json
import os
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.drawing.meshes.animation import FaceAnimation
from keras_3dmmstn.drawing.meshes.glb import encode_glb
from keras_3dmmstn.drawing.overlay import draw_overlay
from keras_3dmmstn.drawing.video.track_table import TrackTable
from keras_3dmmstn.drawing.video.video_writer import VideoWriter
from keras_3dmmstn.inference.fusion.fused_face import fuse
from keras_3dmmstn.inference.video.best_faces import BestFaces
from keras_3dmmstn.inference.video.tracked_frame import TrackedFrame

# Side of the fused textures in pixels.
_FUSED_SIZE = 512


class VideoResults:
    """The files of one video's results, as a context that frames are added to.

    In `folder`, with `name` before them: `_overlay.mp4`; for each person K `_K_texture.mp4`, and
    fused of the best frames `_K_texture.png`, `_K_mask.png`, the face from the front
    `_K_front.png`, and `_K.glb`, a mesh that moves as the face does; `.csv` and `.npz` with the
    numbers of each frame; and `.json`, which says what the video is and who is in it. All are
    written aside and moved into place at the end, unless an exception comes.

    Args:
        folder: where the files belong.
        name: how their names begin.
        source: the video, for the JSON.
        rate: frames a second of the videos that are written.
        suffix: of these videos, one of `video_writer.CODECS`.
        overlay, textures: whether the overlay, and the textures' videos, are written.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        source: str,
        rate: float,
        suffix: str = ".mp4",
        overlay: bool = True,
        textures: bool = True,
    ):
        self.folder, self.name, self.source = folder, name, source
        self._rate, self._suffix, self._overlay, self._textures = rate, suffix, overlay, textures
        self._moves = ExitStack()
        self._writers: dict[str, VideoWriter] = {}
        self._people: dict[int, BestFaces] = {}
        self._spans: dict[int, list[float]] = {}
        self._table, self._frames = TrackTable(), 0
        self._cuts: list[float] = []
        self._middle = np.zeros(2)
        self._written: list[Path] = []
        self._former: set[str] = set()
        self._is_finished = False

    def __enter__(self) -> "VideoResults":
        self._former = self._check()
        self._moves.__enter__()
        return self

    def __exit__(self, *error) -> None:
        for writer in self._writers.values():
            writer.close()
        self._moves.__exit__(*error)
        if error[0] is None and self._is_finished:
            for name in self._former - {path.name for path in self._written}:
                (self.folder / name).unlink(missing_ok=True)

    def add(self, frame: TrackedFrame) -> np.ndarray | None:
        """Adds a frame; returns its overlay, if one is drawn."""
        self._frames += 1
        self._middle = (np.array(frame.image.shape[1::-1]) - 1) / 2
        if frame.is_cut:
            self._cuts.append(frame.time)
        self._table.add(frame)
        for person, face in frame.faces.items():
            self._people.setdefault(person, BestFaces()).add(frame.time, face)
            self._spans.setdefault(person, [frame.time] * 2)[1] = frame.time
        if self._textures:
            self._add_textures(frame)
        if not self._overlay:
            return None
        picture = draw_tracked(frame)
        self._writer("_overlay").write(frame.time, picture)
        return picture

    def finish(self, damaged: list[int], missing: int) -> list[Path]:
        """Ends the videos, writes the rest, and returns all files, which are moved at the exit.

        Args:
            damaged, missing: as of `VideoFile`.
        """
        for writer in self._writers.values():
            writer.close()
        arrays = self._table.arrays()
        for person, best in self._people.items():
            face = fuse(best.faces(), _FUSED_SIZE)
            self._save(f"_{person}_texture.png", _png(face.texture))
            self._save(f"_{person}_mask.png", _png(face.mask.astype(np.uint8) * 255))
            self._save(f"_{person}_front.png", _png(face.front_view()))
            own = arrays["person"] == person
            animation = FaceAnimation.of_parameters(
                arrays["time"][own], arrays["theta"][own], best.grid_model, self._middle
            )
            mesh = face.textured_mesh(blend_shapes=True)
            self._save(f"_{person}.glb", encode_glb(mesh, animation))
        self._save(".csv", self._table.as_csv())
        self._save(".npz", self._table.as_npz())
        path = self._destination(".json")  # before it is described which files there are
        path.write_bytes(self._description(damaged, missing))
        self._is_finished = True
        return self._written

    @property
    def people(self) -> int:
        """How many faces there are."""
        return len(self._people)

    def _check(self):
        """Returns the names of the files of a former run, or raises a FileExistsError.

        What is there must be of this video, or nothing: then there is no file that begins with its
        name.
        """
        description = self.folder / f"{self.name}.json"
        source, files = _content(description)
        if source == self.source:
            return {name for name in files if name.startswith((f"{self.name}_", f"{self.name}."))}
        ours = [f"{self.name}{ending}" for ending in ("_overlay" + self._suffix, ".csv", ".npz")]
        for path in (description, *(self.folder / name for name in ours)):
            if os.path.lexists(path):
                of = f"is that of {source}" if source else "does not say of which video it is"
                raise FileExistsError(
                    f"expected a result of this video at {path}, or nothing, but what is there "
                    f"{of}; move it away or choose another folder."
                )
        return set()

    def _add_textures(self, frame):
        """Adds the textures of a frame's faces; of people who are not in it, a black picture."""
        for person, face in frame.faces.items():
            self._writer(f"_{person}_texture").write(frame.time, face.texture)
        for person in self._people.keys() - frame.faces.keys():
            writer = self._writer(f"_{person}_texture")
            width, height = writer.size
            writer.write(frame.time, np.zeros((height, width, 3), np.uint8))

    def _writer(self, ending):
        """Returns the video with this ending, which is begun with its first picture."""
        if ending not in self._writers:
            path = self._destination(f"{ending}{self._suffix}")
            self._writers[ending] = VideoWriter(path, self._rate)
        return self._writers[ending]

    def _save(self, ending, content):
        self._destination(ending).write_bytes(content)

    def _destination(self, ending):
        """Returns where a file is written until it is moved."""
        path = self.folder / f"{self.name}{ending}"
        self._written.append(path)
        return self._moves.enter_context(atomic_destination(path, keep_suffix=True))

    def _description(self, damaged, missing):
        """Describes the video and the people in it, as JSON."""
        people = {
            str(person): {"first": round(first, 3), "last": round(last, 3)}
            for person, (first, last) in self._spans.items()
        }
        description = {
            "source": self.source,
            "frames": self._frames,
            "rate": self._rate,
            "damaged_frames": damaged,
            "missing_frames": missing,
            "cuts": [round(time, 3) for time in self._cuts],
            "people": people,
            "files": sorted({path.name for path in self._written}),
        }
        return (json.dumps(description, indent=1) + "\n").encode()


class ShownVideo:
    """Draws the frames of a video as `VideoResults` does, and writes nothing."""

    def __enter__(self) -> "ShownVideo":
        return self

    def __exit__(self, *error) -> None:
        pass

    def add(self, frame: TrackedFrame) -> np.ndarray:
        """Returns the overlay of a frame."""
        return draw_tracked(frame)


def draw_tracked(frame: TrackedFrame) -> np.ndarray:
    """Draws the fitted meshes of a frame's faces, with their numbers."""
    labels = [str(person) for person in frame.faces]
    return draw_overlay(frame.image, list(frame.faces.values()), labels)


def _content(description):
    """Returns the video that a JSON names, "" if it names none, and the files that it lists."""
    try:
        content = json.loads(description.read_bytes())
        source, files = content["source"], content["files"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return "", []
    is_ours = isinstance(source, str) and isinstance(files, list)
    names = [name for name in files if isinstance(name, str) and "/" not in name] if is_ours else []
    return (source, names) if is_ours else ("", [])


def _png(image):
    """Encodes a grey or RGB picture."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", image)[1].tobytes()
