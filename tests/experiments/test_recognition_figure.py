"""What the curves of recognition are drawn of."""

from recognition_figure import rates_of


def test_rates_are_those_of_one_input_by_rising_share():
    networks = [
        {"input": name, "share": share, "alone": {"videos": {"eer": eer}}}
        for name, share, eer in (("crop", 1.0, 3), ("crop", 0.1, 7), ("aligned", 0.1, 9))
    ]
    networks.append({"input": "crop", "share": 0.1, "alone": {"videos": {"eer": 8}}})
    assert rates_of(networks, "crop", "videos") == ([0.1, 1.0], [[7, 8], [3]])
