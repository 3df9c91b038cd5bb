"""The engine: prompt in, events out; it knows no screen."""
