"""The benchmarks of the suite; they need no outside data."""

#: Name of the script to the threads it gets, in the order of the page.
BENCHMARKS = {
    "mobile": 1,
    "photographs": 1,
    "sampler": 2,
    "exported_formats": 1,
    "operators": 2,
    "network": 2,
    "input_pipeline": 2,
    "model_building": 2,
}
