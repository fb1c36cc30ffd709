"""The benchmarks are scripts that import one another by name, as they do when they run."""

import sys

from tests.support.paths import ROOT

sys.path.append(str(ROOT / "benchmarks"))
