"""The results of photographs: what is written, under which names, and whose it is."""
