"""What WeChat calls. Proven by signature, never by login; answered in WeChat's own words."""
