"""A brand at scale: one small world is played through the rooms, then copied many times over."""
