"""Erases what is stored about a donor, except what the law or the books need."""
