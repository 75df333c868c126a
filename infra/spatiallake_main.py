"""The command `spatiallake` as a file, which spark-submit, EMR and Databricks are given to run."""

from spatiallake.__main__ import main

if __name__ == "__main__":
    try:
        main()
    except SystemExit as end:
        # Databricks takes any exit for a failure, also that of a command which ended well.
        if end.code not in (None, 0):
            raise
