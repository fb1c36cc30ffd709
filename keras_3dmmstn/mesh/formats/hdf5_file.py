"""Reads arrays stored in an HDF5 file itself, using no more memory than its size justifies."""

import os
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from keras_3dmmstn.outside_files import check_memory, open_file

# HDF5's own filters: deflate, shuffle, checksum. For others, HDF5 would search for plug-ins.
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


def read_hdf5(path: str | Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Reads datasets of numbers, and texts.

    What is stored elsewhere is refused: external links, soft links, external storage and virtual
    datasets may read other files.

    Args:
        path: the file.
        names: names of datasets, with their groups: `shape/model/mean`.

    Returns:
        Name to array, for those of `names` that the file has.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else, refers to other files, or asks for more
            memory than a file of its size may take.
    """
    with open_file(path) as stream:
        size, needed, arrays = os.fstat(stream.fileno()).st_size, 0, {}
        try:
            with h5py.File(stream, "r") as file:
                for name in names:
                    dataset = _find(file, name)
                    if dataset is not None:
                        needed += _check_dataset(name, dataset, size)
                        check_memory(f"`{name}`", size, needed)
                        arrays[name] = dataset[()]
        except Exception as error:  # a damaged file raises almost anything
            reason = str(error).strip().split("\n")[0][:300].rstrip(".") or type(error).__name__
            raise ValueError(f"Expected an HDF5 file, received {path}: {reason}.") from error
    return {name: np.asarray(array) for name, array in arrays.items()}


def _find(file, name):
    """Returns a dataset by name, or None; each step of its path must be within the file."""
    group, parts = file, name.split("/")
    for number, part in enumerate(parts, 1):
        if not isinstance(group, h5py.Group):
            return None
        link = group.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            where = "/".join(parts[:number])
            raise ValueError(f"`{where}` is a link to somewhere else, which is not followed")
        group = group[part]
    return group if isinstance(group, h5py.Dataset) else None


def _check_dataset(name, dataset, file_size):
    """Returns a dataset's bytes in memory after checking that it is in the file itself."""
    properties = dataset.id.get_create_plist()
    if properties.get_external_count() or dataset.is_virtual:
        raise ValueError(f"`{name}` is stored in another file, which is not read")
    filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if not filters <= _FILTERS:
        raise ValueError(f"`{name}` is compressed by another filter than gzip")
    if dataset.dtype.kind not in "fiuOS" or (dataset.dtype.kind == "O" and dataset.size != 1):
        raise ValueError(f"`{name}` holds {dataset.dtype}, which are no numbers")
    chunk = int(np.prod(dataset.chunks or (0,), dtype=object)) * dataset.dtype.itemsize
    check_memory(f"a chunk of `{name}`", file_size, chunk)
    needed = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    # Storage that was never written reads as zeros, whatever its declared size.
    if dataset.chunks is None and dataset.dtype.kind != "O" and stored != needed:
        raise ValueError(f"`{name}` of {needed:,} bytes is stored in {stored:,}")
    check_memory(f"`{name}`", max(stored, 0), needed)
    return needed
