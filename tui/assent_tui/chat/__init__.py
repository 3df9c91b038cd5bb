"""The pane of the conversation: one log of lines for what is finished, one live end for what streams."""
