"""A command from its start to its end: the session's warden, what it was refused, and its only way out."""
