"""What several tests share: worlds, repositories, runs of the program."""
