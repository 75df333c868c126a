output "lake" {
  description = "The lake, an s3:// prefix."
  value       = module.spatiallake.lake
}

output "package" {
  description = "Volume to copy the wheel and profiles of `make package` to."
  value       = module.spatiallake.package
}

output "job_id" {
  description = "Id of the job; a run of it brings the lake up to date."
  value       = module.spatiallake.job_id
}

output "schema" {
  description = "Schema of Unity Catalog."
  value       = module.spatiallake.schema
}

output "pass_role_policy" {
  description = "Policy that the role of the workspace needs, to hand machines the role of the job."
  value       = module.spatiallake.pass_role_policy
}

output "commands" {
  description = "The command of each stage, for a look before the first run."
  value       = module.spatiallake.commands
}
