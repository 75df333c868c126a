output "lake" {
  description = "The lake, an s3:// prefix."
  value       = module.bucket.lake
}

output "package" {
  description = "Volume to copy the wheel and profiles of `make package` to."
  value       = local.package
}

output "job_id" {
  description = "Id of the job; a run of it brings the lake up to date."
  value       = databricks_job.run.id
}

output "schema" {
  description = "Schema of Unity Catalog."
  value       = "${var.catalog}.${databricks_schema.lake.name}"
}

output "instance_role_arn" {
  description = "Role of the machines, which the role of the workspace has to be allowed to pass (iam:PassRole)."
  value       = aws_iam_role.job.arn
}

output "commands" {
  description = "The command of each stage, for a look before the first run."
  value       = [for stage in local.stages : join(" ", concat(["spatiallake"], stage.arguments))]
}
