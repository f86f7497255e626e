"""What scripts/check_wechat.py proves, one file for each counterpart: the line, our own address, both apps, the
merchant. Nothing here writes anything at WeChat, but for the two codes of --make-codes.
"""
