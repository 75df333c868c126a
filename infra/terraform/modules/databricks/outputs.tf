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

output "pass_role_policy" {
  description = "Policy that the role of the workspace needs, to hand machines the role of the job."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "GiveMachinesTheirRole"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [aws_iam_role.job.arn]
      Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
    }]
  })
}

output "commands" {
  description = "The command of each stage, for a look before the first run."
  value       = [for stage in local.stages : join(" ", concat(["spatiallake"], stage.arguments))]
}
