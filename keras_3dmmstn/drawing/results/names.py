"""Unique names for the results of photographs."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from keras_3dmmstn.drawing.results.files import ResultFiles, source_in, source_of


def result_files(photographs: Iterable[tuple[Path, Path]]) -> list[ResultFiles]:
    """Returns the files for the results of photographs.

    A name is the stem of the photograph's file. If several in a folder of results have the same
    stem, they are numbered from the second on (`face`, `face-2`), in the order of the photographs.
    But a photograph that has results under one of these names keeps it, and numbers with results of
    other photographs are skipped.

    Args:
        photographs: their files, and the folders for their results.

    Returns:
        A `ResultFiles` for each; the same one for a photograph that occurs twice.
    """
    pairs = [(photograph.stem, folder, source_in(folder, photograph))
             for photograph, folder in photographs]  # fmt: skip
    stems: dict[Path, set[str]] = defaultdict(set)
    sources: dict[tuple[Path, str], dict[str, None]] = defaultdict(dict)
    for stem, folder, source in pairs:
        stems[folder].add(stem)
        sources[folder, stem][source] = None  # a set that keeps the order
    names = {
        (folder, source): name
        for (folder, stem), these in sources.items()
        for source, name in _names(folder, stem, list(these), stems[folder]).items()
    }
    return [ResultFiles(folder, names[folder, source], source) for _, folder, source in pairs]


def _names(folder, stem, sources, stems):
    """Returns the names of photographs with the same stem; `stems` are all stems."""
    if len(sources) == 1 and source_of(folder / f"{stem}-2_0.json") is None:
        return {sources[0]: stem}
    owners = _owners(folder, stem, len(sources), stems)
    names = {owner: name for name, owner in reversed(owners.items()) if owner in sources}
    # The stem itself goes to the first of the other photographs, unless one with results has it.
    free = (
        name for name in _numbered(stem, stems)
        if name not in owners or (name == stem and owners[stem] not in sources)
    )  # fmt: skip
    return {source: names[source] if source in names else next(free) for source in sources}


def _owners(folder, stem, count, stems):
    """Returns the photographs with results under the names that `count` photographs may have."""
    owners: dict[str, str] = {}
    for number, name in enumerate(_numbered(stem, stems)):
        owner = source_of(folder / f"{name}_0.json")
        if owner is not None:
            owners[name] = owner
        elif number >= count:
            return owners


def _numbered(stem: str, stems: Collection[str]) -> Iterator[str]:
    """Yields a stem and its numbered names, without those that are other photographs' stems."""
    yield stem
    for count in itertools.count(2):
        name = f"{stem}-{count}"
        if name not in stems:
            yield name
