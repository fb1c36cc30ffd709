"""The plan of the work: the photographs of a data set, divided into shards in a fixed order."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, NamedTuple

from keras_3dmmstn.inference.data_sets.places import Place
from keras_3dmmstn.inference.data_sets.sources import Box, SourcePhotograph

#: The file with the plan, and the folder with the photographs of each shard.
PLAN_FILE, PLAN_FOLDER = "plan.json", "plan"
_FORMAT = 1
# Numbers of photographs, faces or bytes are always smaller.
_MANY = 2**62


class PlannedPhotograph(NamedTuple):
    """A photograph of a shard.

    Attributes:
        number: of the photograph in the data set, counted from 0.
        image, box, fault: as in `SourcePhotograph`.
    """

    number: int
    image: str
    box: Box | None
    fault: str | None = None


@dataclass(frozen=True)
class Plan:
    """The numbers of photographs and shards, and the settings.

    Attributes:
        photographs, shards: their numbers.
        settings: the settings that the results depend on, by name.
    """

    photographs: int
    shards: int
    settings: Mapping[str, Any]


def shard_name(shard: int) -> str:
    """Returns the beginning of the names of a shard's files."""
    return f"{shard:06d}"


def make_plan(
    place: Place,
    photographs: Iterable[SourcePhotograph],
    shard_size: int,
    settings: Mapping[str, Any],
) -> Plan:
    """Writes a plan: the photographs of each shard in a file of its own, the plan itself last.

    Args:
        place: the folder for the results.
        photographs: in their order. They are not held in memory.
        shard_size: photographs per shard; the last one may have fewer.
        settings: the settings to record.

    Raises:
        ValueError: if there are no photographs.
        OSError: if it cannot be written.
    """
    source, count, shards = iter(photographs), 0, 0
    while part := list(itertools.islice(source, shard_size)):
        lines = [json.dumps([count + n, *photograph]) for n, photograph in enumerate(part)]
        place.write(_file(shards), ("\n".join(lines) + "\n").encode())
        count, shards = count + len(part), shards + 1
    if not count:
        raise ValueError(f"{settings.get('source')}: expected photographs, found none.")
    plan = Plan(count, shards, dict(settings))
    content = {"format": _FORMAT, "photographs": count, "shards": shards, "settings": settings}
    place.write(PLAN_FILE, json.dumps(content, indent=1).encode() + b"\n")
    return plan


def read_plan(place: Place) -> Plan | None:
    """Returns the plan of a folder for results, or None if it has none.

    Raises:
        ValueError: if the file is not a plan, or from a later version of this package.
    """
    if not place.exists(PLAN_FILE):
        return None
    try:
        content = json.loads(place.read(PLAN_FILE))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {str(content['format'])[:80]}")
        plan = Plan(content["photographs"], content["shards"], content["settings"])
        counts = is_count(plan.photographs) and is_count(plan.shards)
        if not counts or not isinstance(plan.settings, dict):
            raise ValueError("photographs and shards that are no numbers, or no settings")
        size: Any = plan.settings.get("shard_size")
        agree = is_count(size) and size > 0 and -(-plan.photographs // size) == plan.shards
        if not plan.shards or not (agree or size is None):
            raise ValueError(f"{plan.shards} shards of {plan.photographs} photographs")
        # A damaged number of shards could be too large to check them all.
        if not place.exists(_file(plan.shards - 1)):
            raise ValueError(f"{plan.shards} shards, the last of which is missing")
        return plan
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{place}/{PLAN_FILE}: expected a plan of format {_FORMAT}, received another file "
            f"({error})."
        ) from None


def check_settings(place: Place, plan: Plan, settings: Mapping[str, Any]) -> None:
    """Raises a ValueError if the results of a folder were begun with other settings."""
    for name in sorted({*plan.settings, *settings}):
        begun, given = plan.settings.get(name), settings.get(name)
        if begun != given:
            raise ValueError(
                f"{place}: expected {name.replace('_', ' ')} {begun!r}, with which these results "
                f"were begun, received {given!r}. Other settings take another folder."
            )


def photographs_of(place: Place, shard: int) -> Sequence[PlannedPhotograph]:
    """Returns the photographs of a shard.

    Raises:
        OSError: if its file cannot be read.
        ValueError: if it is damaged.
    """
    name = _file(shard)
    try:
        rows = map(json.loads, place.read(name).decode().splitlines())
        return [planned_photograph(row) for row in rows]
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{place}/{name}: expected the photographs of a shard, received a damaged file "
            f"({error})."
        ) from None


def planned_photograph(row: Any) -> PlannedPhotograph:
    """Returns the photograph for a list read from JSON.

    Raises:
        TypeError: if it is not a list, or too long or too short.
        ValueError: if a value in it is invalid.
    """
    number, image, box, fault = PlannedPhotograph(*row)
    is_box = box is None or (
        isinstance(box, list) and len(box) == 4 and all(type(side) in (int, float) for side in box)
    )
    texts = isinstance(image, str) and isinstance(fault, (str, NoneType))
    if not (is_count(number) and texts and is_box):
        raise ValueError(f"a photograph {str(row)[:80]}")
    sides: Any = None if box is None else tuple(box)
    return PlannedPhotograph(number, image, sides, fault)


def is_count(value: Any) -> bool:
    """Returns whether a JSON value is a valid count."""
    return type(value) is int and 0 <= value < _MANY


def _file(shard):
    return f"{PLAN_FOLDER}/{shard_name(shard)}.jsonl"
