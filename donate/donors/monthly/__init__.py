"""The page of a monthly gift: change, pause, skip and end it."""
