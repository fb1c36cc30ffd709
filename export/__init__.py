"""Export of the network to the formats of servers and phones."""
