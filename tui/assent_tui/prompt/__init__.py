"""The prompt box, and what it completes."""
