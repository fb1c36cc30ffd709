"""How sure the network is: its second head, and what that is trained on."""
