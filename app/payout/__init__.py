"""Paying out what a settlement owes (SET-3): transfers to people outside, lists for wages, bills between companies.

A room of its own above settlement: settlement decides who is owed how much, this room moves it and tells
settlement what arrived (app/settlement/paying.py is the contract between the two).
"""
