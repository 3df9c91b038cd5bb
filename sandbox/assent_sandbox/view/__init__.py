"""How a stage is made: an overlay of the real tree, or a copy of it, and the life that both share."""
