variable "crawl" {
  description = "Crawl to add images from, an s3:// prefix or a folder that all machines share."
  type        = string
}

variable "lake" {
  description = "Lake to write to, an s3:// prefix."
  type        = string

  validation {
    condition     = startswith(var.lake, "s3://")
    error_message = "A lake that several machines write to is an s3:// prefix."
  }
}

variable "experts" {
  description = "Expert profile: sensor, builtin, or a YAML file, such as s3://BUCKET/package/hub.yaml."
  type        = string
  default     = "sensor"
}

variable "settings_file" {
  description = "YAML file of settings, local to the driver or s3://; null for none."
  type        = string
  default     = null
}

variable "settings" {
  description = "Single settings by name, such as { \"lift.min_points\" = \"30\" }; they win over the file."
  type        = map(string)
  default     = {}
}

variable "gpu" {
  description = "Run filter, context and depth on machines with GPUs, which learned experts need; false for sensor."
  type        = bool
  default     = true
}

variable "examples" {
  description = "Also write training_examples, which stores images again."
  type        = bool
  default     = false
}

variable "publish" {
  description = "Catalog and schema in which the last command names the lake's tables; null for none."
  type        = object({ catalog = string, schema = string })
  default     = null
}
