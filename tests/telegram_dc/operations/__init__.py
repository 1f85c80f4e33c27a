"""What the control can ask for, the server's side of it, one room per subject.

Every public method is an operation; its parameters are the request's arguments.
"""
