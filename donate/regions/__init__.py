"""Regions: what each giving code stands for."""
