"""Bytes on the wire: pushes, calls and payments, against published vectors, local servers and other SDKs."""
