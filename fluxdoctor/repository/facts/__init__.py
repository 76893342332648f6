"""What the files prove about a cluster: schemas, dangling references, removals, overlaps, chart values."""
