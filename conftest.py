"""The names that every docstring example may use."""

import keras
import numpy as np
import pytest

import keras_3dmmstn


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace):
    doctest_namespace.update(np=np, keras=keras, keras_3dmmstn=keras_3dmmstn)
    for module in (keras_3dmmstn, keras_3dmmstn.layers):
        doctest_namespace.update({name: getattr(module, name) for name in module.__all__})
