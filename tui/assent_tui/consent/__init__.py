"""The consent card: one question of the gate, whole, and its answers."""
