"""Placing, lifecycle, pick-up and reading of orders. Knows prices, stock, attribution and commission below it; not WeChat."""
