"""Counts how often photographs kill their worker, to give up on them in the end."""

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

from keras_3dmmstn.inference.data_sets.places import Place
from keras_3dmmstn.inference.data_sets.plan import is_count, shard_name

#: The folder with a file for each shard in progress.
ATTEMPTS_FOLDER = "attempts"
#: A photograph that has killed its worker so many times counts as failed.
MOST_DEATHS = 3


class Attempts:
    """Records what killed earlier attempts at a shard, and the progress of this one.

    A worker that dies, because a decoder crashes or the system is out of memory, reports nothing.
    So a shard's first attempt leaves a file that says that it began. If the next attempt finds it,
    it also notes each photograph before processing it, and the attempt after that knows at which
    photograph it died.

    Args:
        place: the folder for the results.
        shard: number of the shard.
    """

    def __init__(self, place: Place, shard: int):
        self._place, self._name = place, f"{ATTEMPTS_FOLDER}/{shard_name(shard)}.json"
        self._begun, self._deaths = 0, dict[int, int]()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Notes that an attempt begins and, unless the process dies, that it has ended."""
        begun, died_at, self._deaths = self._read()
        self._begun = begun + 1
        if died_at is not None:
            self._deaths[died_at] = self._deaths.get(died_at, 0) + 1
        self._write(None)
        try:
            yield
        except BaseException:
            self._begun -= 1
            with contextlib.suppress(OSError):
                self._write(None)
            raise

    def is_hopeless(self, photograph: int) -> bool:
        """Returns whether a photograph has killed its worker too often to be tried again."""
        return self._deaths.get(photograph, 0) >= MOST_DEATHS

    def begin(self, photograph: int) -> None:
        """Notes that a photograph is begun, if earlier attempts have died."""
        if self._begun > 1:
            self._write(photograph)

    def forget(self) -> None:
        """Removes the file, once the shard is done."""
        self._place.remove(self._name)

    def _read(self) -> tuple[int, int | None, dict[int, int]]:
        """Returns the content of the file; empty if there is none, or it is damaged."""
        with contextlib.suppress(
            FileNotFoundError, AttributeError, KeyError, TypeError, ValueError, RecursionError
        ):
            content = json.loads(self._place.read(self._name))
            begun, at = content["begun"], content["at"]
            deaths = {int(number): count for number, count in content["deaths"].items()}
            if all(map(is_count, (begun, *deaths.values()))) and (at is None or is_count(at)):
                return begun, at, deaths
        return 0, None, {}

    def _write(self, photograph):
        """Writes the file."""
        content = {"begun": self._begun, "at": photograph, "deaths": self._deaths}
        self._place.write(self._name, json.dumps(content).encode())
