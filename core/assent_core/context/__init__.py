"""What the model has seen, and how room is made in it."""
