"""LeRobot datasets on disk: what their metadata says, the rows and images of an episode, and the format's parts."""
