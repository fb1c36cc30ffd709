"""The results of photographs: what is written, under which names, and for which photograph."""
