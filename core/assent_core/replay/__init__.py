"""A recorded session played again offline: its model is the recording, its stage is fresh, and what differs is told."""
