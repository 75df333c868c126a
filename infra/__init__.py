"""What brings the engine to a platform: Terraform modules, a Databricks bundle, and the package that both submit."""
