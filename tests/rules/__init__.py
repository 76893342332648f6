"""Every rule and its page."""
