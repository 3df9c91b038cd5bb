"""What is kept of a session: its record, what it drew upon, and what must never stand in it."""
