output "stages" {
  description = "The stages in their order, and `publish` after them: name, whether it needs GPUs, and the arguments of the command."
  value       = local.stages
}
