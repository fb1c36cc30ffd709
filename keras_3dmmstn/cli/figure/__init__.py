"""`keras-3dmmstn figure ...`: the pictures of the paper, of any photographs."""
