"""The pane of the review: files, diff, decisions."""
