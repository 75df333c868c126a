"""The command `calibrate`: a depth expert's scale and errors, fitted to a team's own RGB-D images."""
