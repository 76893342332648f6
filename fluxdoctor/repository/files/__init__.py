"""The files of a repository, each parsed once, and the cache that outlives a run."""
