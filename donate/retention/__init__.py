"""Prunes what is not needed any more: never-paid gifts, bodies of events, refused requests."""
