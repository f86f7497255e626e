"""Conversation: what the official account says back to a fan.

A room of its own because an answer needs everything below it: who the fan is (members), whose code was
scanned and who serves (attribution), the stores and the goods (stores, catalog). None of those rooms may
know the others, and none should hold sentences. It writes no table of its own: the words of an answer are
kept in the inbox, so that a push delivered twice is answered the same (TCH-2).
"""
