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

#: What shares the shards out: Ray, or nothing, in this process.
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
    """Normalises the faces of a data set into shards, on as many processors as there are.

    Called again after it was stopped or killed, it goes on: each photograph is there once at the
    end. Other settings than those that the results were begun with are refused.

    Args:
        source: the path or the URL, such as `s3://bucket/folder`, of a folder of photographs, or of
            a table that ends in .csv or .parquet, with a column image and, if boxes are known, x0,
            y0, x1, y1.
        out: the path or the URL of the folder for the results.
        engine: `"ray"`, or `"here"` for this process alone, without Ray.
        workers: processes, one processor each; all processors of the machine or cluster by default.
        ray_address: HOST:PORT of the head of a Ray cluster, or `"auto"` for the one that runs on
            this machine; None for the one that `RAY_ADDRESS` names, else for one of our own.
        shard_size: photographs of a shard. What a worker that dies has done of a shard is lost.
        format: of the shards, `"parquet"` or `"tfrecord"`.
        textures: `"png"`, or `"raw"` for their bytes, which are larger and faster to read.
        weights: a folder, which every machine has, as of `Normaliser.load`; None for the bundled.
        visibility, texture_size, fill: as of `Normaliser`.
        progress: is told how far the run is, at the beginning and after each shard.
        among: returns those names of a folder's files that may be photographs.

    Returns:
        The manifest, as `manifest.json` in `out` has it.

    Raises:
        ImportError: if Ray or pyarrow is missing.
        ValueError: if an argument is none of these, there are no photographs, or `out` was begun
            with other settings.
        FileNotFoundError: if there is no such source, or there are no such weights.
        ConnectionError: if no Ray cluster answers at `ray_address`.
        FolderInUseError: if another process is writing to `out`, which object stores do not tell.
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
    """Returns a URL as it is, and a path from the root: workers have folders of their own."""
    return where if is_url(where) else str(Path(where).absolute())
