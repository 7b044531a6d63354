"""Views of the gift list that members of staff have saved under a name."""
