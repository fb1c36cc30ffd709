"""`keras-3dmmstn face-model ...`: from a published 3DMM to a flattened grid."""
