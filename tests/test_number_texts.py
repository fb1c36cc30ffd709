"""Numbers of tables: what Python takes for one and other programs do not is refused."""

import math

import pytest

from keras_3dmmstn.number_texts import (
    check_columns_differ,
    number,
    number_or_nan,
    whole_number,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), (" -2.5\t", -2.5), ("+.5e1", 5), ("3.", 3), (b"1E-2", 0.01), ("1e-999", 0)],
)
def test_numbers(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    ["1_0", "inf", "-Infinity", "nan", "1e999", "", " ", "１２", "٣", "0x10", "1 2", "--1", "1,5"],
)
def test_what_only_python_takes_for_a_number_is_none(text):
    with pytest.raises(ValueError, match="no number"):
        number(text)


@pytest.mark.parametrize("text", ["", " ", "nan", "NaN", "-nan", "+NAN"])
def test_what_is_not_known(text):
    assert math.isnan(number_or_nan(text))


def test_infinite_is_not_the_same_as_not_known():
    with pytest.raises(ValueError, match="no number: 'inf'"):
        number_or_nan("inf")


def test_whole_numbers():
    assert [whole_number(text) for text in (" 12", "-3", b"+4")] == [12, -3, 4]
    for text in ("1_0", "1.0", "", "٣"):
        with pytest.raises(ValueError, match="no whole number"):
            whole_number(text)


def test_columns_of_one_name():
    check_columns_differ("a.csv", ["x0", "", "y0", ""])
    with pytest.raises(ValueError, match=r"^a\.csv: expected one column x0, received several\.$"):
        check_columns_differ("a.csv", ["x0", "y0", "x0"])
