"""What a change is: before and after, hunks, patches in and out, and the user's decisions over them; pure."""
