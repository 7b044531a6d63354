"""What a giving code stands for."""
