"""The control's side of the conversation, one room per subject. Standard library only."""
