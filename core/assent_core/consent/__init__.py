"""What reaches outside the stage, and the gate that decides it."""
