"""The landmark error on labelled photographs, as numbers, tables and pictures."""
