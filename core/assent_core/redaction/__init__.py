"""What must never leave: secrets are known by value or by format, and taken out of all that is kept, shown or sent."""
