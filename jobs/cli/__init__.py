"""The `spatiallake` command: one module per group of subcommands."""
