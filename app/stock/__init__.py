"""Stock: what lies where, what is promised, and the movements behind both numbers."""
