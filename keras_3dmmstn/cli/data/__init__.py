"""`keras-3dmmstn data ...`: labelled photographs."""
