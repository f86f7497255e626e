"""The tests: rules (pure), rooms (one room on a real database), doors (HTTP), wechat (bytes on the wire),
walks (whole stories).
"""
