output "stages" {
  description = "The stages in their order: name, whether it needs GPUs, and the arguments of the command."
  value       = local.stages
}
