"""Rates of verification, and what makes identity coefficients tell people apart."""

import numpy as np
import pytest
from recognition_tables import as_tables, cosines, discriminant, drawn_pairs, rates


def test_cosines_are_those_of_each_pair(rng):
    described, pairs = rng.normal(size=(5, 3)), np.array([[0, 1], [4, 4], [2, 0]])
    for found, (a, b) in zip(cosines(described, pairs), pairs, strict=True):
        a, b = described[a], described[b]
        assert found == pytest.approx(sum(a * b) / (sum(a * a) * sum(b * b)) ** 0.5)


def test_rates_of_scores_that_tell_people_apart_and_that_do_not(rng):
    same = np.arange(400) % 2 == 0
    told_apart = rates(same + rng.uniform(0, 0.5, 400), same)
    assert told_apart == {"auc": 100, "eer": 0, "accuracy": 100}
    guessed = rates(rng.uniform(size=2000), np.arange(2000) % 2 == 0)
    assert all(abs(value - 50) < 5 for value in guessed.values())


def test_the_accuracy_takes_its_threshold_from_the_other_parts():
    # A pair of one person below the threshold is wrong in whatever part it is.
    same = np.arange(100) < 50
    scores = np.where(same, 1.0, 0.0)
    scores[:5] = -1
    assert rates(scores, same)["accuracy"] == pytest.approx(95)


def people(rng, count=60, photographs=6):
    """Coefficients of which the first is the person's, the second the photograph's."""
    person = np.repeat(np.arange(count), photographs)
    own = rng.normal(size=count)[person]
    return np.stack([own + 0.1 * rng.normal(size=len(own)), rng.normal(size=len(own))], 1), person


def test_the_discriminant_keeps_what_people_have_and_drops_what_photographs_have(rng):
    identity, person = people(rng)
    matrix = discriminant(identity, person)
    sizes = np.linalg.norm(identity[:, :, None] * matrix[None], axis=0)  # of each part, of each
    assert sizes[0].max() > 10 * sizes[1].max()
    seen = identity @ matrix
    pairs, same = drawn_pairs(person)
    distance = np.linalg.norm(seen[pairs[:, 0]] - seen[pairs[:, 1]], axis=1)
    plain = np.linalg.norm(identity[pairs[:, 0]] - identity[pairs[:, 1]], axis=1)
    assert rates(-distance, same)["eer"] < 0.5 * rates(-plain, same)["eer"]


def test_pairs_are_as_many_of_one_person_as_of_two(rng):
    _, person = people(rng, count=9, photographs=3)
    pairs, same = drawn_pairs(person)
    assert len(pairs) == 2 * 27 and same.sum() == 27
    np.testing.assert_array_equal(person[pairs[:, 0]] == person[pairs[:, 1]], same)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(drawn_pairs(person, wanted=4)[0]) == 8


def network(name, share, eer, seed=0, fold=7):
    """A result of `recognition.py` with the same rates everywhere."""
    rates_of = {"eer": eer, "auc": 90.0, "accuracy": 80.0}
    protocols = dict.fromkeys(("frontal–frontal", "video frames"), rates_of)
    about = {"input": name, "share": share, "seed": seed, "fold": fold}
    return about | {"alone": protocols, "with identity": protocols}


def test_tables_have_means_of_seeds_and_folds_apart():
    networks = [
        network("crop", 1.0, 10.0),
        network("crop", 1.0, 12.0, seed=1),
        network("crop", 1.0, 20.0, fold=1),
        network("texture", 0.1, 9.0),
    ]
    shape = {"millimetres": {key: {"eer": 30.0, "auc": 70.0} for key in ("a", "b", "c")}}
    lines = as_tables({"networks": networks, "shape": shape}).splitlines()
    assert lines[0] == "| frontal–frontal: EER | 100 % | 10 % |"
    assert lines[2] == "| crop | 11.0 ± 1.0 | – |"
    assert lines[3] == "| texture | – | 9.0 |"
    (of_folds,) = [
        lines[n + 2] for n, line in enumerate(lines) if line.startswith("| folds of CFP")
    ]
    assert of_folds == "| crop | 15.0 ± 5.0 / 90.0 ± 0.0 / 80.0 ± 0.0 |"
