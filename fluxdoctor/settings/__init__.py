"""What a team decided: the settings file, ignores with a reason, and the baseline; and how they change a report."""
