output "lake" {
  description = "The lake, an s3:// prefix."
  value       = module.spatiallake.lake
}

output "package" {
  description = "Where to copy what `make package` writes."
  value       = module.spatiallake.package
}

output "state_machine_arn" {
  description = "ARN of the state machine; an execution of it is a run."
  value       = module.spatiallake.state_machine_arn
}

output "database" {
  description = "Database of the Glue catalog that names the lake's tables."
  value       = module.spatiallake.database
}

output "logs" {
  description = "Where jobs and clusters leave their logs."
  value       = module.spatiallake.logs
}

output "commands" {
  description = "The command of each stage, for a look before the first run."
  value       = module.spatiallake.commands
}
