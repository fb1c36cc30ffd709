"""`keras-3dmmstn figure ...`: the paper's figures, made from any photographs."""
