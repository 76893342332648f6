"""A repository before it is deployed: what each of its clusters would get, as Snapshots of declared objects."""
