"""Export formats, one module each; `jobs.exporting.layouts` finds them."""
