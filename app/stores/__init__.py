"""Stores: places and the people who serve there; who may serve whom is decided in attribution."""
