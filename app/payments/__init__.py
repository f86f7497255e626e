"""Money in and out: the only room that talks to WeChat Pay. Flows phone between transactions, steps never do."""
