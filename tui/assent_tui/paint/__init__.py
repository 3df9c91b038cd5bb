"""Lines, rows and colours: how text becomes strips of the screen; no widget knows more than its values."""
