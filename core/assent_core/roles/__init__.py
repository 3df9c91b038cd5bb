"""The models beside the worker: what they are asked, and what code makes of their answers."""
