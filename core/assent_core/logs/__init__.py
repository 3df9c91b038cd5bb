"""What the logs of tools say: one file for each family of tools; pure, linear in the length of a log, never raising."""
