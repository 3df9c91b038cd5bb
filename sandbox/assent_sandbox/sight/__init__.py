"""What a command may see: the plan of its walls, its environment, its toolchains, and what is hidden from it."""
