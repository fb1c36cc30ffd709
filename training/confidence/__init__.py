"""How sure the network is: its second head, and what it is trained on."""
