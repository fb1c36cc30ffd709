"""From folders of labelled photographs to batches."""
