"""The bundled weights as files of small integers, compared as `export` does without photographs."""

import numpy as np

from keras_3dmmstn import Normaliser
from keras_3dmmstn.export import parity
from keras_3dmmstn.export.artefacts import export_artefacts, planned_artefacts
from keras_3dmmstn.export.comparison_photographs import portrait_photographs, rendered_photographs


def test_small_integers_agree_with_the_network_on_the_pictures_of_the_package(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(parity, "THREADS", (1,))
    normaliser = Normaliser.pretrained()
    size = normaliser.image_size
    pictures = portrait_photographs(size), rendered_photographs(normaliser.grid_model, size)
    artefacts = planned_artefacts(tmp_path, ["tflite"], ["dynamic", "integer"])
    reports = export_artefacts(normaliser, artefacts, np.concatenate(pictures))
    for report, pixels in zip(reports, (0.3, 0.6), strict=True):
        assert report["landmarks_px"]["mean"] < pixels
