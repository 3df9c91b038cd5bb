"""The application: each event to its pane, each key to the session."""
