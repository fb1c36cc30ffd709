"""The settings for normalising a data set, which every worker gets."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_3dmmstn.inference.data_sets.places import is_url, without_credentials
from keras_3dmmstn.inference.data_sets.rows import ENCODINGS
from keras_3dmmstn.inference.data_sets.shard_files import check_format
from keras_3dmmstn.inference.data_sets.sources import root_of
from keras_3dmmstn.inference.view.filling import check_fill
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.finer_grid import texture_shape
from keras_3dmmstn.network.weights_folder import weights_files

if TYPE_CHECKING:
    from keras_3dmmstn.inference.normaliser import Normaliser

_VISIBILITIES = ("depth", "table", "normals")


@dataclass(frozen=True)
class Job:
    """What to normalise, how, and where the results go. It is sent to the workers.

    Attributes:
        source: the path or URL of a folder, or of a table.
        out: the path or URL of the folder for the results.
        shard_size: photographs per shard.
        format_name: of the shards, `parquet` or `tfrecord`.
        encoding: of textures and masks, `png` or `raw`.
        weights: a folder on every machine; None for the bundled weights.
        visibility, texture_size, fill: as for `Normaliser`.
    """

    source: str
    out: str
    shard_size: int = 1000
    format_name: str = "parquet"
    encoding: str = "png"
    weights: str | None = None
    visibility: str = "depth"
    texture_size: int | None = None
    fill: str | None = None

    def check(self) -> None:
        """Checks everything that can be checked before the work begins.

        Raises:
            ValueError: if a setting is invalid.
            FileNotFoundError: if the folder of weights does not exist.
            ImportError: if the format needs pyarrow, which is missing.
        """
        check_format(self.format_name)
        if self.encoding not in ENCODINGS:
            known = " or ".join(ENCODINGS)
            raise ValueError(f"Expected textures as {known}, received {self.encoding!r}.")
        size = self.shard_size
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError(f"Expected at least one photograph in a shard, received {size!r}.")
        if self.visibility not in _VISIBILITIES:
            known = ", ".join(_VISIBILITIES)
            raise ValueError(f"Expected one of the visibilities {known}, received "
                             f"{self.visibility!r}.")  # fmt: skip
        check_fill(self.fill)
        self.texture_shape()

    def texture_shape(self) -> tuple[int, int]:
        """Returns the rows and columns of the textures."""
        with _weights_folder(self.weights) as folder:
            _, face_model = weights_files(folder)
            return texture_shape(self.texture_size, GridModel.load(face_model).grid_shape)

    def root(self) -> str:
        """Returns the folder or URL that the paths of photographs are relative to."""
        return str(root_of(self.source))

    def settings(self) -> dict[str, Any]:
        """Returns the settings that the results depend on, without passwords."""
        source = self.source if is_url(self.source) else str(Path(self.source).absolute())
        return {
            "source": without_credentials(source),
            "shard_size": self.shard_size,
            "format": self.format_name,
            "textures": self.encoding,
            "weights": _checksum(self.weights),
            "visibility": self.visibility,
            "texture_size": self.texture_size,
            "fill": self.fill,
        }

    def normaliser(self) -> "Normaliser":
        """Loads the normaliser; raises the errors of `Normaliser.load`."""
        from keras_3dmmstn.inference.normaliser import Normaliser

        with _weights_folder(self.weights) as folder:
            return Normaliser.load(folder, self.visibility, self.texture_size, self.fill)


def _weights_folder(weights):
    """Gives the folder of weights."""
    if weights is None:
        return resources.as_file(resources.files("keras_3dmmstn.assets"))
    return resources.as_file(Path(weights))


def _checksum(weights):
    """Returns a checksum of the localiser and its face model."""
    total = hashlib.sha256()
    with _weights_folder(weights) as folder:
        for path in weights_files(folder):
            total.update(path.read_bytes())
    return total.hexdigest()[:16]
