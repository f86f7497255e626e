"""What a clerk's phone calls. Every route but the login needs a clerk's token."""
