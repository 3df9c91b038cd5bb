"""The model's service: what it offers, how it is reached, what it says and how it fails."""
