"""Measures of landmark error, against loops and closed forms."""

import numpy as np
import pytest

from keras_3dmmstn.training.evaluation import error_measures as measures

NAN = np.nan
# Two faces whose boxes are 40 wide and 90 high, and 30 wide and 30 high.
BOXES = np.array([[10.0, 5.0, 50.0, 95.0], [0.0, 0.0, 30.0, 30.0]])


def test_relative_errors_are_in_percent_of_the_root_of_width_times_height():
    errors = measures.relative_errors(np.array([[6.0, 3.0], [NAN, 3.0]]), BOXES)
    np.testing.assert_allclose(errors, [[10.0, 5.0], [NAN, 10.0]])


def test_paper_pixels_scale_the_larger_side_to_120():
    pixels = measures.paper_pixels(np.array([[3.0], [3.0]]), BOXES)
    np.testing.assert_allclose(pixels, [[4.0], [12.0]])


def test_a_face_is_the_mean_of_its_labelled_points():
    errors = np.array([[1.0, NAN, 5.0], [NAN, NAN, NAN], [2.0, 4.0, 9.0]])
    np.testing.assert_allclose(measures.face_errors(errors), [3, NAN, 5])
    np.testing.assert_allclose(measures.face_errors(errors, slice(0, 2)), [1, NAN, 3])


def test_a_point_is_the_mean_of_the_faces_that_have_it():
    errors = np.array([[1.0, NAN, NAN], [3.0, 4.0, NAN]])
    np.testing.assert_allclose(measures.point_errors(errors), [2, 4, NAN])


def test_a_summary_leaves_out_faces_without_error():
    summary = measures.summarise(np.array([1.0, 2.0, NAN, 6.0]))
    assert summary.faces == 3 and summary.mean == 3 and summary.median == 2
    assert summary.standard_deviation == pytest.approx(np.sqrt((4 + 1 + 9) / 3))


def test_failures_are_above_the_threshold_and_not_at_it():
    assert measures.failure_rate(np.array([9.0, 10.0, 10.01, NAN]), 10) == pytest.approx(1 / 3)


def test_the_cumulative_curve_counts_errors_up_to_and_at_a_level():
    errors = np.array([4.0, 1.0, NAN, 2.0, 8.0])
    shares = measures.cumulative_curve(errors, np.array([0.0, 1.0, 1.5, 4.0, 10.0]))
    np.testing.assert_array_equal(shares, [0, 0.25, 0.25, 0.75, 1])


def test_the_area_is_that_under_the_cumulative_curve(rng):
    errors = rng.gamma(4, 1.5, 60)
    levels = np.linspace(0, 10, 20001)
    curve = measures.cumulative_curve(errors, levels)
    # The curve has steps: the trapezium rule is off by up to half a step for each of 60 jumps.
    area = np.trapezoid(curve, levels) / 10
    assert measures.area_under_curve(errors, 10) == pytest.approx(area, abs=0.5 / 20000 + 1e-9)


def test_the_mean_over_bins_does_not_weight_them_and_needs_all():
    assert measures.mean_over_bins([2.0, 3.0, 7.0]) == 4
    assert np.isnan(measures.mean_over_bins([2.0, 3.0, NAN]))


@pytest.mark.parametrize(
    "measure",
    [
        measures.summarise,
        lambda errors: measures.failure_rate(errors, 10),
        lambda errors: measures.cumulative_curve(errors, np.array([1.0])),
        lambda errors: measures.area_under_curve(errors, 10),
    ],
)
def test_no_face_at_all_is_refused(measure):
    with pytest.raises(ValueError, match="the error of at least one face, received none"):
        measure(np.array([NAN, NAN]))
