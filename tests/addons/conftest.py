"""Nothing here is for pytest: the check needs tensorflow-addons, in an environment of its own."""

collect_ignore = ["check_resampler.py"]
