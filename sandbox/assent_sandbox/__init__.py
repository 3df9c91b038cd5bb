"""The stage and its walls: the only room that starts a process."""
