"""Draws how often networks err by the share of the people, from the results of `recognition.py`.

python experiments/recognition_figure.py docs/figures/recognition.png
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from experiment import RECORDED, read_results
from recognition_tables import of_last_fold

matplotlib.use("Agg")
from matplotlib import pyplot

# Of each input: what it is called, and its colour.
INPUTS = {
    "crop": ("crop", "tab:gray"),
    "aligned": ("aligned crop", "tab:olive"),
    "front view": ("front view", "tab:green"),
    "texture": ("texture", "tab:orange"),
    "texture and mask": ("texture and mask", "tab:blue"),
}


def main():
    """Draws a curve for each input: the mean over the seeds, with a bar from least to most."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="picture")
    out = parser.parse_args().out
    networks = of_last_fold(read_results(RECORDED / "recognition.json")["networks"])
    protocols = list(networks[0]["alone"])
    figure, axes = pyplot.subplots(1, len(protocols), figsize=(10, 3.6), layout="constrained")
    for axis, protocol in zip(axes, protocols, strict=True):
        for name, (label, colour) in INPUTS.items():
            shares, rates = rates_of(networks, name, protocol)
            means = np.array([np.mean(some) for some in rates])
            spread = [means - list(map(min, rates)), list(map(max, rates)) - means]
            axis.errorbar(shares, means, spread, label=label, color=colour, marker="o", capsize=3)
        axis.set(title=protocol, xscale="log", xlabel="share of 514 people", ylim=(10, 40))
        axis.set_xticks(shares, [f"{100 * share:.0f} %" for share in shares], minor=False)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("equal error rate in %")
    axes[0].legend(fontsize=8)
    figure.savefig(out, dpi=110)
    print(out)


def rates_of(networks: list[dict], name: str, protocol: str) -> tuple[list, list[list[float]]]:
    """Returns the shares of the people that an input was trained on, and the rates of each."""
    of_input = [one for one in networks if one["input"] == name]
    shares = sorted({one["share"] for one in of_input})
    return shares, [
        [one["alone"][protocol]["eer"] for one in of_input if one["share"] == share]
        for share in shares
    ]


if __name__ == "__main__":
    main()
