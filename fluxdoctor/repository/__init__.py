"""A repository before it is deployed: its files, its builds, the clusters that begin in it, and facts about them."""
