"""Plans of data sets, and what killed workers leave."""

import json

import pytest

from keras_3dmmstn.inference.data_sets.attempts import MOST_DEATHS, Attempts
from keras_3dmmstn.inference.data_sets.places import LocalPlace
from keras_3dmmstn.inference.data_sets.plan import (
    PlannedPhotograph,
    check_settings,
    make_plan,
    photographs_of,
    read_plan,
)
from keras_3dmmstn.inference.data_sets.sources import SourcePhotograph


@pytest.fixture
def place(tmp_path):
    return LocalPlace(tmp_path)


def plan_of(place, count, shard_size=2, **settings):
    photographs = (SourcePhotograph(f"{number}.jpg") for number in range(count))
    return make_plan(place, photographs, shard_size, settings)


def test_shards_have_the_photographs_in_their_order(place):
    box = (1.0, 2.0, 3.0, 4.5)
    sources = [SourcePhotograph("é\n.jpg", box), SourcePhotograph("b\udcff"), SourcePhotograph("c")]
    plan = make_plan(place, sources, 2, {"source": "here"})
    assert (plan.photographs, plan.shards) == (3, 2)
    assert photographs_of(place, 0) == [
        PlannedPhotograph(0, "é\n.jpg", box),
        PlannedPhotograph(1, "b\udcff", None),
    ]
    assert photographs_of(place, 1) == [PlannedPhotograph(2, "c", None)]
    assert read_plan(place) == plan


def test_a_folder_without_a_plan_has_none(place):
    assert read_plan(place) is None


def test_no_photographs_are_an_error_and_no_plan(place):
    with pytest.raises(ValueError, match="here: expected photographs, found none"):
        plan_of(place, 0, source="here")
    assert read_plan(place) is None


def test_a_plan_is_there_when_all_shards_are(place):
    def photographs():
        yield SourcePhotograph("a")
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        make_plan(place, photographs(), 1, {})
    assert read_plan(place) is None


DEEP = 100_000 * "["


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"format": 2}', '{"format": 1, "shards": 1}', DEEP]
)
def test_another_file_is_no_plan(content, place):
    place.write("plan.json", content.encode())
    with pytest.raises(ValueError, match="expected a plan of format 1"):
        read_plan(place)


@pytest.mark.parametrize(
    "changes",
    [
        {"shards": 1e400},
        {"shards": 10**9},
        {"shards": 1},
        {"shards": 0},
        {"photographs": "3"},
        {"settings": []},
        {"settings": {"shard_size": "2"}},
    ],
)
def test_a_plan_of_other_values_is_refused(changes, place):
    plan_of(place, 3, shard_size=2)
    content = json.loads(place.read("plan.json")) | {"settings": {"shard_size": 2}}
    place.write("plan.json", json.dumps(content).encode())
    assert read_plan(place).shards == 2
    place.write("plan.json", json.dumps(content | changes).encode())
    with pytest.raises(ValueError, match=r"plan\.json: expected a plan of format 1"):
        read_plan(place)


def test_a_plan_without_its_last_shard_is_refused(place):
    plan_of(place, 3)
    place.remove("plan/000001.jsonl")
    with pytest.raises(ValueError, match=r"plan\.json: .*2 shards, the last of which is missing"):
        read_plan(place)


@pytest.mark.parametrize(
    "row",
    [
        "[0, 1",
        DEEP,
        "7",
        "[1e400, 1, null]",
        "[0, null, null]",
        "[0, 1, null, 2]",
        '[0, "a", "1234"]',
        '[0, "a", [1, 2, 3]]',
        '[0, "a", [1, 2, 3, {}]]',
        '[-1, "a", null]',
    ],
)
def test_a_damaged_shard_is_named(row, place):
    plan_of(place, 1)
    place.write("plan/000000.jsonl", f"{row}\n".encode())
    with pytest.raises(ValueError, match=r"000000\.jsonl: expected the photographs of a shard"):
        photographs_of(place, 0)


def test_other_settings_are_refused(place):
    plan = plan_of(place, 1, texture_size=128, fill=None)
    check_settings(place, plan, {"texture_size": 128, "fill": None})
    with pytest.raises(ValueError, match=r"expected texture size 128, with which .* received 256"):
        check_settings(place, plan, {"texture_size": 256, "fill": None})


@pytest.fixture
def die_at(place):
    """A function that makes an attempt at shard 0 end at a photograph as a killed process does."""
    never_left = []

    def die(photograph):
        attempts = Attempts(place, 0)
        never_left.append(attempts.one_more())
        never_left[-1].__enter__()
        attempts.begin(photograph)
        return attempts

    return die


def test_a_photograph_that_kills_its_worker_is_given_up(die_at):
    for _ in range(MOST_DEATHS + 1):  # the first death does not yet say where it was
        assert not die_at(5).is_hopeless(5)
    last = die_at(6)
    assert last.is_hopeless(5) and not last.is_hopeless(6)
    last.forget()
    assert not die_at(5).is_hopeless(5)


def test_an_attempt_that_ends_by_an_error_is_not_counted(place):
    for _ in range(MOST_DEATHS + 2):
        attempts = Attempts(place, 0)
        with pytest.raises(OSError, match="full"), attempts.one_more():
            attempts.begin(5)
            raise OSError("full")
        assert not attempts.is_hopeless(5)


def test_nothing_is_noted_of_photographs_as_long_as_nobody_died(place, tmp_path):
    attempts = Attempts(place, 0)
    with attempts.one_more():
        before = (tmp_path / "attempts/000000.json").read_text()
        attempts.begin(5)
        assert (tmp_path / "attempts/000000.json").read_text() == before


@pytest.mark.parametrize(
    "note",
    [
        "{",
        "[]",
        DEEP,
        '{"begun": "1", "at": 5, "deaths": {"5": 9}}',
        '{"begun": 1, "at": [], "deaths": {"5": 9}}',
        '{"begun": 1, "at": 5, "deaths": [9]}',
        '{"begun": 1, "at": 5, "deaths": {"x": 9}}',
        '{"begun": 1, "at": 5, "deaths": {"5": "9"}}',
    ],
)
def test_a_damaged_note_counts_for_nothing(note, place):
    place.write("attempts/000000.json", note.encode())
    attempts = Attempts(place, 0)
    with attempts.one_more():
        assert not attempts.is_hopeless(5)
