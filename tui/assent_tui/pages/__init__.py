"""Pages over the panes: help, settings, sessions, the first run."""
