"""A team's policy: the settings file, ignores with a reason and the baseline, and how they change a report."""
