import numpy as np

from keras_3dmmstn.inference.detection.candidates import (
    Candidates,
    best_candidates,
    best_of_each_place,
    decode,
    shares_inside,
    without_parts,
)


def decoded_one_by_one(maps, least):
    """What `decode` reads, cell by cell."""
    boxes, scores, points = [], [], []
    for values, stride in zip(maps, (8, 16, 32), strict=True):
        for row in range(values.shape[0]):
            for column in range(values.shape[1]):
                of_class, of_object, x, y, width, height = values[row, column, :6].astype(float)
                score = np.sqrt(1 / (1 + np.exp(-of_class)) / (1 + np.exp(-of_object)))
                if score >= least:
                    middle = np.array([column + x, row + y]) * stride
                    half = np.exp([width, height]) * stride / 2
                    boxes.append([*(middle - half), *(middle + half)])
                    scores.append(score)
                    offsets = values[row, column, 6:].astype(float)
                    points.append(
                        [
                            (
                                (column + offsets[2 * k]) * stride,
                                (row + offsets[2 * k + 1]) * stride,
                            )
                            for k in range(5)
                        ]
                    )
    return np.array(boxes), np.array(scores), np.array(points)


def test_maps_are_read_as_a_loop_reads_them(rng):
    maps = [rng.normal(size=(32 // s * 3, 32 // s * 5, 16)).astype("float32") for s in (8, 16, 32)]
    found = decode(maps, 0.6)
    boxes, scores, points = decoded_one_by_one(maps, 0.6)
    assert 0 < len(boxes) < 15 * (16 + 4 + 1)
    # float32 logits: relative error 6e-8 in each of few steps.
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-6)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    np.testing.assert_allclose(found.points, points, rtol=1e-6)


def test_hopeless_cells_raise_no_warning():
    maps = [np.full((32 // s, 32 // s, 16), -1e4, np.float32) for s in (8, 16, 32)]
    assert len(decode(maps, 0.1).boxes) == 0


def test_of_boxes_at_one_place_the_best_is_kept_the_best_first():
    boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 0, 30, 10], [0, 4, 10, 14.5]])
    # The last shares 60 of 145 square pixels with the first: more than 0.3 of their union.
    kept = best_of_each_place(boxes, np.array([0.5, 0.6, 0.9, 0.2]))
    assert kept.tolist() == [2, 1]
    assert best_of_each_place(np.empty((0, 4)), np.empty(0)).tolist() == []


def test_what_lies_in_a_better_box_or_around_it_is_dropped():
    boxes = np.array([[0.0, 0, 10, 10], [2, 2, 5, 5], [-5, -5, 30, 30], [9, 9, 14, 14]])
    assert without_parts(boxes, np.array([0.8, 0.5, 0.4, 0.6])).tolist() == [0, 3]
    # The smaller one is better.
    assert without_parts(boxes[:2], np.array([0.8, 0.9])).tolist() == [1]
    assert without_parts(np.empty((0, 4)), np.empty(0)).tolist() == []


def test_several_searches_give_one_list():
    points = np.arange(30.0).reshape(3, 5, 2)
    parts = [
        Candidates(np.array([[0.0, 0, 10, 10]]), np.array([0.4]), points[:1]),
        Candidates(
            np.array([[50.0, 50, 60, 60], [0, 0, 10, 11]]), np.array([0.5, 0.7]), points[1:]
        ),
    ]
    best = best_candidates(parts)
    assert best.scores.tolist() == [0.7, 0.5] and best.boxes[0].tolist() == [0, 0, 10, 11]
    assert best.points.tolist() == points[[2, 1]].tolist()


def test_pixel_centres_stay_pixel_centres_when_a_picture_is_scaled():
    # Of a picture twice as wide, the first two pixels are what the first pixel was.
    points = np.array([[[0.0, 0], [1, 1], [2, 2], [3, 3], [4, 4]]])
    one = Candidates(np.array([[0.0, 0, 4, 4]]), np.ones(1), points)
    scaled = one.scaled(np.array([2.0, 1.0]))
    assert scaled.boxes[0].tolist() == [0.5, 0, 8.5, 4]
    assert scaled.points[0].tolist() == [[0.5, 0], [2.5, 1], [4.5, 2], [6.5, 3], [8.5, 4]]


def test_the_share_of_a_box_in_others():
    boxes = np.array([[0.0, 0, 2, 2], [8, 0, 12, 4], [0, 0, 10, 10]])
    others = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    assert shares_inside(boxes, others).tolist() == [1, 0.5, 1]
    assert shares_inside(boxes, np.empty((0, 4))).tolist() == [0, 0, 0]
