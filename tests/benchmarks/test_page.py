"""The page of results, from records that are written here, and the one that is committed."""

import json

import page
import pytest
from growth import along_axis, bases, exponent
from page_tables import number
from recording import ROOT, SUITE

LOST = {"ours": "graph", "peer": "torch", "median": 2.5, "quartiles": [2.0, 3.0]}
WORSE = {"ours": "graph", "peer": "autodiff, graph", "median": 7.0, "quartiles": [6.0, 9.0]}
WON = {"ours": "XLA", "peer": "torch", "median": 0.5, "quartiles": [0.4, 0.6]}
UNCLEAR = {"ours": "XLA", "peer": "autodiff, XLA", "median": 1.4, "quartiles": [0.9, 2.0]}
ENVIRONMENT = {
    "commit": "0123456789abcdef",
    "uncommitted_changes": False,
    "date": "2020-01-01T00:00:00+00:00",
    "threads": 2,
    "device": {"processor": "P", "cores": 2, "memory_gb": 8, "system": "S", "gpus": []},
    "load_before": 0.1,
    "python": "3.11",
    "versions": {"tensorflow": "2"},
}


def comparison(name="sample_bilinear, forward", ratios=(), milliseconds=1.0, **size):
    times = {
        call: {"median_ms": milliseconds, "smallest_ms": milliseconds, "iqr_ms": 0.1}
        for call in ("graph", "XLA")
    }
    return {"name": name, "size": size, "rounds": 5, "times": times, "ratios": list(ratios)}


def record(*comparisons):
    return {
        "title": "Operators.",
        "quick": False,
        "environment": ENVIRONMENT,
        "comparisons": comparisons,
    }


def test_the_first_comparison_of_a_name_is_the_base():
    first, second, other = comparison(batch=16), comparison(batch=1), comparison("a", batch=4)
    assert bases([first, second, other]) == [first, other]


def test_an_axis_has_what_differs_from_the_base_along_it_alone():
    base, larger = comparison(batch=16, grid=112), comparison(batch=16, grid=224)
    smaller, wider = comparison(batch=1, grid=112), comparison(batch=64, grid=112)
    all_of_them = [base, larger, wider, smaller]
    assert list(along_axis(all_of_them, "batch")) == [[smaller, base, wider]]
    assert list(along_axis(all_of_them, "grid")) == [[base, larger]]
    assert list(along_axis(all_of_them, "modes")) == []


@pytest.mark.parametrize(("axis", "expected"), [("batch", 2.0), ("grid", 1.0)])
def test_a_grid_grows_with_its_points(axis, expected):
    line = [comparison(milliseconds=3 * n**2, **{axis: n}) for n in (1, 4, 16)]
    assert exponent(axis, line, "graph") == pytest.approx(expected)


def test_the_page_shows_where_we_lose_the_worst_first():
    text = page.as_page({"operators": record(comparison(ratios=[LOST, WON, UNCLEAR, WORSE]))})
    assert "In 1 of 4 comparisons our code is faster, in 2 the peer is. In the other 1 " in text
    lost = text.split("## Where others are faster")[1].split("## All of it")[0]
    rows = [line for line in lost.splitlines() if line.startswith("| sample")]
    assert ["autodiff, graph" in rows[0], "torch" in rows[1]] == [True, True]
    assert len(rows) == 2 and "**7.00** (6.00 to 9.00)" in rows[0]


def test_the_page_has_machine_times_and_growth():
    grown = comparison(batch=64, milliseconds=8.0)
    text = page.as_page({"operators": record(comparison(batch=16, milliseconds=2.0), grown)})
    assert "Measured on P, 2 cores, 8 GB, no GPU, S; Python 3.11, tensorflow 2." in text
    assert "| `operators.py` | 2 | 0123456789 | 2020-01-01T00:00:00+00:00 | 0.1 |" in text
    assert "| sample_bilinear, forward | batch 16 | 2 (0.1) | 2 (0.1) |  |" in text
    assert "| sample_bilinear, forward | graph / XLA | 2 / 2 | 8 / 8 | 1.00 / 1.00 |" in text


def test_numbers_have_three_digits_and_no_exponent():
    assert [number(value) for value in (0.12345, 12.345, 1406.0)] == ["0.123", "12.3", "1406"]


def test_records_come_in_the_order_of_the_table(tmp_path):
    for name in ("unknown", "operators", "mobile"):
        (tmp_path / f"{name}.json").write_text(json.dumps(record()))
    assert list(page.read_records(tmp_path)) == ["mobile", "operators", "unknown"]


def test_page_and_figure_are_written(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra viz")
    results = tmp_path / "results"
    results.mkdir()
    (results / "operators.json").write_text(json.dumps(record(comparison(batch=16))))
    page.write_page(results, tmp_path / "docs" / "page.md")
    assert (tmp_path / "docs/page.md").read_text("utf-8") == page.as_page(
        page.read_records(results)
    )
    assert (tmp_path / "docs/figures/benchmark_growth.png").stat().st_size > 1000


def test_the_page_in_the_documentation_is_that_of_the_records():
    text = (ROOT / "docs/benchmarks.md").read_text("utf-8")
    assert text == page.as_page(page.read_records(SUITE)), "run benchmarks/page.py --record"
