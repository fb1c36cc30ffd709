"""The function that normalises a whole data set."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_3dmmstn.inference.data_sets.job import Job
from keras_3dmmstn.inference.data_sets.places import is_url
from keras_3dmmstn.inference.data_sets.ray_workers import check_ray, run_on_ray
from keras_3dmmstn.inference.data_sets.run import DataSetProgress, RunShards, run_here, run_job
from keras_3dmmstn.inference.data_sets.sources import Among

#: What distributes the shards: Ray, or nothing, for this process alone.
ENGINES = ("ray", "here")


def normalise_data_set(
    source: str | Path,
    out: str | Path,
    *,
    engine: str = "ray",
    workers: int | None = None,
    ray_address: str | None = None,
    shard_size: int = 1000,
    format: str = "parquet",
    textures: str = "png",
    weights: str | Path | None = None,
    visibility: str = "depth",
    texture_size: int | None = None,
    fill: str | None = None,
    progress: Callable[[DataSetProgress], None] | None = None,
    among: Among = iter,
) -> dict[str, Any]:
    """Normalises the faces of a data set into shards, by default on all processors.

    If it was stopped or killed, calling it again resumes the work: in the end each photograph
    occurs once. Settings other than those that the results were begun with are refused.

    Args:
        source: the path or the URL, such as `s3://bucket/folder`, of a folder of photographs, or of
            a table that ends in .csv or .parquet, with a column image and, if boxes are known, x0,
            y0, x1, y1.
        out: the path or the URL of the folder for the results.
        engine: `"ray"`, or `"here"` for this process alone, without Ray.
        workers: processes, one processor each; by default one per processor of the machine or
            cluster.
        ray_address: HOST:PORT of the head of a Ray cluster, or `"auto"` for the one that runs on
            this machine; None for the one that `RAY_ADDRESS` names, or else a new local one.
        shard_size: photographs per shard. If a worker dies, its work on the shard is lost.
        format: of the shards, `"parquet"` or `"tfrecord"`.
        textures: `"png"`, or `"raw"` for plain bytes, which are larger and faster to read.
        weights: a folder for `Normaliser.load` that exists on every machine; None for the bundled
            weights.
        visibility, texture_size, fill: as for `Normaliser`.
        progress: called with the progress of the run, at the beginning and after each shard.
        among: from the names of a folder's files, returns those that may be photographs.

    Returns:
        The manifest, the content of `manifest.json` in `out`.

    Raises:
        ImportError: if Ray or pyarrow is missing.
        ValueError: if an argument is invalid, there are no photographs, or `out` was begun with
            other settings.
        FileNotFoundError: if the source or the weights do not exist.
        ConnectionError: if no Ray cluster answers at `ray_address`.
        FolderInUseError: if another process is writing to `out`; not detected in object stores.
        OSError: if something cannot be read or written.
    """
    if engine not in ENGINES:
        raise ValueError(f"Expected the engine {' or '.join(ENGINES)}, received {engine!r}.")
    if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool)
                                or workers < 1):  # fmt: skip
        raise ValueError(f"Expected at least one worker, a whole number, received {workers!r}.")
    run_shards: RunShards = run_here
    if engine == "ray":
        check_ray(ray_address)
        run_shards = functools.partial(run_on_ray, workers=workers, address=ray_address)
    job = Job(
        source=_absolute(source),
        out=_absolute(out),
        shard_size=shard_size,
        format_name=format,
        encoding=textures,
        weights=None if weights is None else _absolute(weights),
        visibility=visibility,
        texture_size=texture_size,
        fill=fill,
    )
    return run_job(job, run_shards, progress, among)


def _absolute(where):
    """Returns a URL unchanged, and a path as absolute: workers have other working folders."""
    return where if is_url(where) else str(Path(where).absolute())
