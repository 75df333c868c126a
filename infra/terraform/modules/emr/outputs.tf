output "lake" {
  description = "The lake, an s3:// prefix."
  value       = module.bucket.lake
}

output "package" {
  description = "Where to copy what `make package` writes."
  value       = module.bucket.package
}

output "state_machine_arn" {
  description = "ARN of the state machine; an execution of it is a run."
  value       = aws_sfn_state_machine.run.arn
}

output "database" {
  description = "Database of the Glue catalog that names the lake's tables."
  value       = aws_glue_catalog_database.lake.name
}

output "logs" {
  description = "Where jobs and clusters leave their logs."
  value       = "s3://${module.bucket.name}/logs"
}

output "commands" {
  description = "The command of each stage, for a look before the first run."
  value       = [for stage in local.stages : join(" ", concat(["spatiallake"], stage.arguments))]
}
