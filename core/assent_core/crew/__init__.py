"""Workers beside the one that the user talks to: parts of a task, and attempts that race."""
