"""How well descriptors of faces tell people apart, by input, share of the people and protocol."""

import numpy as np
from recognition_faces import CFP_FOLDS, TEST, TRAINING, VALIDATION, People, PreparedFaces
from recognition_training import INPUTS
from scipy.linalg import eigh
from texture_pairs import verification

from keras_3dmmstn import GridModel

# How much the identity coefficients weigh beside a network's descriptor: chosen on other people.
WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)
_PARTS = 10
_OTHER_RATES = "auc", "accuracy"


def cosines(described: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Returns the cosines of pairs `(n, 2)` of descriptors."""
    first, second = described[pairs[:, 0]], described[pairs[:, 1]]
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.einsum("nd,nd->n", first, second) / lengths


def rates(scores: np.ndarray, same: np.ndarray) -> dict[str, float]:
    """Returns `auc`, `eer` and `accuracy` in %.

    The accuracy is the mean over ten parts of the pairs, each with the threshold that is best on
    the others.
    """
    part = np.random.default_rng(0).permutation(len(scores)) % _PARTS
    right = [_accuracy_beside(scores, same, part == number) for number in range(_PARTS)]
    return verification(scores, same) | {"accuracy": 100 * float(np.mean(right))}


def discriminant(identity: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Returns the matrix `(D, D)` that makes coefficients tell people apart.

    Its columns solve S_b v = λ S_w v with the scatters between and within people; each is scaled by
    √(λ / (1 + λ)), so that directions that vary within people count less.

    Source:
        Fisher 1936; Ioffe 2006, Probabilistic Linear Discriminant Analysis.
    """
    people = [identity[person == number] for number in np.unique(person)]
    people = [coefficients for coefficients in people if len(coefficients) > 1]
    within = np.mean([np.cov(c.T, ddof=1) for c in people], axis=0)
    within += 1e-3 * np.trace(within) / len(within) * np.eye(len(within))
    between = np.cov(np.array([c.mean(axis=0) for c in people]).T)
    values, vectors = eigh(between, within)
    return vectors * np.sqrt(np.maximum(values, 0) / (1 + values))


def drawn_pairs(person: np.ndarray, wanted: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Returns pairs of photographs of one person and as many of two, and which are of one."""
    a, b = np.triu_indices(len(person), 1)
    same = person[a] == person[b]
    rng = np.random.default_rng(1)
    kinds = [rng.permutation(np.flatnonzero(kind)) for kind in (same, ~same)]
    count = min(wanted, *map(len, kinds))
    chosen = np.concatenate([kind[:count] for kind in kinds])
    return np.stack([a[chosen], b[chosen]], axis=1), same[chosen]


def measured(
    described: np.ndarray, faces: PreparedFaces, people: People, trained_on: np.ndarray
) -> dict:
    """Measures a network's descriptors, with the identity coefficients beside them and without.

    Args:
        described: `(n, D)` descriptors, of the photographs for validation and tests.
        faces, people: the photographs.
        trained_on: numbers of the people who were trained on, whose coefficients say how these
            vary within a person and between people.

    Returns:
        For `alone` and `with identity`, of each protocol: `auc`, `eer`, `accuracy` in %; `weight`,
        how much the cosine of the coefficients counts, chosen on other people; and `eer_of_others`,
        the equal error rate on these people.
    """
    learnt = np.isin(faces.person, trained_on) & (faces.role == TRAINING)
    identity = faces.identity[learnt]
    matrix = discriminant(identity, faces.person[learnt])
    coefficients = (faces.identity - identity.mean(axis=0)) @ matrix
    described = described.astype(np.float32)

    def score(weight):
        return lambda pairs: cosines(described, pairs) + weight * cosines(coefficients, pairs)

    others = np.flatnonzero(faces.role == VALIDATION)
    pairs, same = drawn_pairs(faces.person[others])
    errors = [verification(score(weight)(others[pairs]), same)["eer"] for weight in WEIGHTS]
    weight = WEIGHTS[int(np.argmin(errors))]
    return {
        "alone": _of_protocols(score(0), people, faces),
        "with identity": _of_protocols(score(weight), people, faces),
        "weight": weight,
        "eer_of_others": min(errors),
    }


def _of_protocols(score, people, faces):
    """Returns the rates of each protocol."""
    found = {}
    for name, pairs in people.pairs.items():
        known = (faces.role[pairs] == TEST).all(axis=1)
        found[name] = rates(score(pairs[known]), people.same[name][known])
    return found


def _accuracy_beside(scores, same, part):
    """Returns the share of a part's pairs that are right at the best threshold of the others."""
    order = np.argsort(scores[~part])
    values, kinds = scores[~part][order], same[~part][order]
    rejected_right = np.concatenate([[0], np.cumsum(~kinds)])
    accepted_right = kinds.sum() - np.concatenate([[0], np.cumsum(kinds)])
    best = int(np.argmax(rejected_right + accepted_right))
    bounds = np.concatenate([[-np.inf], values, [np.inf]])
    threshold = (bounds[best] + bounds[best + 1]) / 2  # between what it parts
    return float(((scores[part] >= threshold) == same[part]).mean())


def shape_alone(faces: PreparedFaces, people: People, model: GridModel) -> dict:
    """Measures the identity coefficients without a network, in several ways.

    Returns:
        Name of the way to protocol to rates. Beside the protocols of pairs of photographs,
        `several photographs` compares means over halves of each person's photographs.
    """
    learnt = faces.role == TRAINING
    identity, person = faces.identity[learnt], faces.person[learnt]
    mean, modes = identity.mean(axis=0), identity.shape[1]
    millimetres = np.sqrt((model.basis[:modes] ** 2).sum(axis=2).mean(axis=1))
    ways = {
        "standard deviations": np.eye(modes),
        "millimetres": np.diag(millimetres),
        "discriminant": discriminant(identity, person),
    }
    for first in (5, 10, 20, 40):
        if first < modes:
            matrix = np.zeros((modes, first))
            matrix[:first] = discriminant(identity[:, :first], person)
            ways[f"discriminant of the first {first} modes"] = matrix
    found = {}
    for name, matrix in ways.items():
        coefficients = (faces.identity - mean) @ matrix
        found[name] = _of_protocols(_between(coefficients), people, faces)
        found[name]["several photographs"] = _of_halves(coefficients, faces)
    return found


def as_tables(results: dict) -> str:
    """Returns the results as tables in Markdown, those of `docs/recognition.md`."""
    networks = of_last_fold(results["networks"])
    shares = sorted({one["share"] for one in networks}, reverse=True)
    protocols = list(networks[0]["alone"])
    whole = _by_input(one for one in networks if one["share"] == 1)
    columns = [f"{100 * share:.0f} %" for share in shares]
    parts = [
        _table(
            f"{protocol}: EER",
            columns,
            {
                name: [
                    _cell([one["alone"][protocol]["eer"] for one in some if one["share"] == share])
                    for share in shares
                ]
                for name, some in _by_input(networks).items()
            },
        )
        for protocol in protocols
    ]
    with_identity = {
        name: [_cell([one["with identity"][p]["eer"] for one in some]) for p in protocols]
        for name, some in whole.items()
    }
    others = {
        name: [
            " / ".join(_mean([one["alone"][p][rate] for one in some]) for rate in _OTHER_RATES)
            for p in protocols
        ]
        for name, some in whole.items()
    }
    shape = {
        name: [f"{rates_of['eer']:.1f} / {rates_of['auc']:.1f}" for rates_of in row.values()]
        for name, row in results["shape"].items()
    }
    parts += [
        _table("with the identity coefficients: EER", protocols, with_identity),
        _table("AUC / accuracy", protocols, others),
        _of_folds(results["networks"], protocols),
        _table("coefficients: EER / AUC", [*protocols, "several photographs"], shape),
    ]
    return "\n\n".join(parts)


def of_last_fold(networks: list[dict]) -> list[dict]:
    """Returns the results of those networks that were tested on the last fold of CFP."""
    return [one for one in networks if one.get("fold", CFP_FOLDS) == CFP_FOLDS]


def _of_folds(networks, protocols):
    """Returns the table of what was trained for other folds of CFP, too."""
    chosen = {one["input"] for one in networks if one.get("fold", CFP_FOLDS) != CFP_FOLDS}
    whole = _by_input(one for one in networks if (one["share"], one["seed"]) == (1, 0))
    columns = [protocol for protocol in protocols if "video" not in protocol]
    rows = {
        f"{name}{more}": [
            " / ".join(
                _cell([one[kind][p][rate] for one in some]) for rate in ("eer", *_OTHER_RATES)
            )
            for p in columns
        ]
        for name, some in whole.items()
        if name in chosen
        for kind, more in (("alone", ""), ("with identity", ", with coefficients"))
    }
    return _table("folds of CFP: EER / AUC / accuracy", columns, rows)


def _by_input(networks):
    """Returns networks by the names of their inputs."""
    found: dict[str, list] = {}
    for one in networks:
        found.setdefault(one["input"], []).append(one)
    return {name: found[name] for name in INPUTS if name in found}


def _table(heading, columns, rows):
    """Returns a table in Markdown."""
    lines = [f"| {' | '.join([heading, *columns])} |", "|---" * (1 + len(columns)) + "|"]
    lines += [f"| {' | '.join([name, *cells])} |" for name, cells in rows.items()]
    return "\n".join(lines)


def _cell(values):
    """Returns mean and spread of some seeds or folds."""
    if not values:
        return "–"
    return _mean(values) + (f" ± {np.std(values):.1f}" if len(values) > 1 else "")


def _mean(values):
    return f"{np.mean(values):.1f}"


def _between(described):
    """Returns a function from pairs to the cosines of descriptors."""
    return lambda pairs: cosines(described, pairs)


def _of_halves(described, faces):
    """Returns the rates of comparing means over each half of the photographs of people."""
    means, owners = [], []
    for number in np.unique(faces.person[faces.role == TEST]):
        chosen = np.flatnonzero((faces.person == number) & (faces.role == TEST))
        halves = np.random.default_rng(int(number)).permutation(chosen)
        for half in (halves[: len(halves) // 2], halves[len(halves) // 2 :]):
            if len(half):
                means.append(described[half].mean(axis=0))
                owners.append(number)
    pairs, same = drawn_pairs(np.array(owners))
    return rates(cosines(np.array(means), pairs), same)
