"""Drawing what is printed: codes, letters, posters, badges, shelf cards. Plain values in, bytes out.

A room of its own because it knows no tables, no people and no WeChat: the same facts give the same bytes.
"""
