"""What runs behind the walls or raises them; the standard library only, and as little of that as possible."""
