"""What the user sees: the command line and the screen; the only room that knows Textual."""

__version__ = "0.1.0"
