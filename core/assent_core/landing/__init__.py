"""Accepted hunks -> the real tree: all or nothing, undoable, whole again after any crash."""
