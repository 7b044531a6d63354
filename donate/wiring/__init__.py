"""Builds all objects of the service from the settings, and the worker's jobs."""
