"""Writes the results of a video while it is processed."""

import json
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.drawing.meshes.animation import FaceAnimation
from keras_3dmmstn.drawing.meshes.glb import encode_glb
from keras_3dmmstn.drawing.overlay import draw_overlay
from keras_3dmmstn.drawing.video.former_results import former_files
from keras_3dmmstn.drawing.video.track_table import TrackTable
from keras_3dmmstn.drawing.video.video_writer import VideoWriter
from keras_3dmmstn.inference.fusion.fused_face import fuse
from keras_3dmmstn.inference.video.best_faces import BestFaces
from keras_3dmmstn.inference.video.face_tracker import REMEMBERED
from keras_3dmmstn.inference.video.tracked_frame import TrackedFrame

# Side of the fused textures in pixels.
_FUSED_SIZE = 512


class VideoResults:
    """The files of one video's results, as a context to which frames are added.

    In `folder`, with names that begin with `name`: `_overlay.mp4`; for each person K
    `_K_texture.mp4`, and fused from the best frames `_K_texture.png`, `_K_mask.png`, the face from
    the front `_K_front.png`, and `_K.glb`, a mesh that moves like the face; `.csv` and `.npz` with
    the numbers of each frame; and `.json`, which describes the video and the people in it. All are
    first written elsewhere and moved into place at the end, unless there is an exception. The video
    of a texture begins when its face appears.

    Entering raises the errors of `former_files`.

    Args:
        folder: where to write the files.
        name: the beginning of their names.
        source: the video, for the JSON.
        rate: frames per second of the written videos.
        suffix: of these videos, one of `video_writer.CODECS`.
        overlay, textures: whether to write the overlay, and the textures' videos.
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
        self._lost: dict[int, float] = {}  # since when
        self._table, self._frames = TrackTable(), 0
        self._cuts: list[float] = []
        self._middle = np.zeros(2)
        self._written: list[Path] = []
        self._former: set[str] = set()
        self._is_finished = False

    def __enter__(self) -> "VideoResults":
        self._former = former_files(self.folder, self.name, self.source)
        self._moves.__enter__()
        return self

    def __exit__(self, *error) -> None:
        for writer in self._writers.values():
            writer.release()
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
        self._end_of_lost(frame)
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
        """Ends the videos, writes the rest, and returns all files, which are moved on exit.

        Args:
            damaged, missing: as in `VideoFile`.
        """
        for person in list(self._people):
            self._end(person)
        for writer in self._writers.values():
            writer.close()
        self._save(".csv", self._table.as_csv())
        self._save(".npz", self._table.as_npz())
        path = self._destination(".json")  # before the files are listed in the description
        path.write_bytes(self._description(damaged, missing))
        self._is_finished = True
        return self._written

    @property
    def people(self) -> int:
        """The number of faces."""
        return len(self._spans)

    def _add_textures(self, frame):
        """Adds the textures of a frame's faces, and black pictures for lost people."""
        for person, face in frame.faces.items():
            self._writer(f"_{person}_texture").write(frame.time, face.texture)
        for person in self._people.keys() - frame.faces.keys():
            writer = self._writer(f"_{person}_texture")
            width, height = writer.size
            writer.write(frame.time, np.zeros((height, width, 3), np.uint8))

    def _end_of_lost(self, frame):
        """Ends the faces that the tracker no longer remembers: they cannot come back."""
        for person in self._people.keys() - frame.faces.keys():
            lost = self._lost.setdefault(person, frame.time)
            if frame.is_cut or frame.time - lost > REMEMBERED:
                self._end(person)
        for person in frame.faces:
            self._lost.pop(person, None)

    def _end(self, person):
        """Writes the results of a face that does not come back, and forgets it."""
        if writer := self._writers.pop(f"_{person}_texture", None):
            writer.close()
        best = self._people.pop(person)
        face = fuse(best.faces(), _FUSED_SIZE)
        self._save(f"_{person}_texture.png", _png(face.texture))
        self._save(f"_{person}_mask.png", _png(face.mask.astype(np.uint8) * 255))
        self._save(f"_{person}_front.png", _png(face.front_view()))
        times, thetas = self._table.of_person(person)
        animation = FaceAnimation.of_parameters(times, thetas, best.grid_model, self._middle)
        mesh = face.textured_mesh(blend_shapes=True)
        self._save(f"_{person}.glb", encode_glb(mesh, animation))

    def _writer(self, ending):
        """Returns the video with this ending; it is begun with its first picture."""
        if ending not in self._writers:
            path = self._destination(f"{ending}{self._suffix}")
            self._writers[ending] = VideoWriter(path, self._rate)
        return self._writers[ending]

    def _save(self, ending, content):
        self._destination(ending).write_bytes(content)

    def _destination(self, ending):
        """Returns the path of a file until it is moved into place."""
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
    """Draws the frames of a video like `VideoResults`, but writes nothing."""

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


def _png(image):
    """Encodes a grey or RGB picture."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", image)[1].tobytes()
