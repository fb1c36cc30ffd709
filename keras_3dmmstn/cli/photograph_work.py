"""What to do with each photograph that a command line names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_3dmmstn.cli.photograph_files import PhotographFile
from keras_3dmmstn.drawing.results.files import ResultFiles, source_in
from keras_3dmmstn.drawing.results.names import result_files


@dataclass(frozen=True)
class Work:
    """A photograph and where its results are written; None if they are not."""

    photograph: PhotographFile
    results: ResultFiles | None


def photograph_work(found: Sequence[PhotographFile], out: Path | None) -> list[Work]:
    """Returns the work on photographs; one that is named twice is listed once.

    Args:
        found: the photographs.
        out: the folder for their results; None for none.
    """
    if out is None:
        once = {source_in(Path(), photograph.path): photograph for photograph in found}
        return [Work(photograph, None) for photograph in once.values()]
    files = result_files([(photograph.path, out / photograph.folder) for photograph in found])
    work = {results: photograph for results, photograph in zip(files, found, strict=True)}
    return [Work(photograph, results) for results, photograph in work.items()]
