"""LeRobot datasets in and out: a crawl of their episodes, and datasets with the rewards of a lake."""
