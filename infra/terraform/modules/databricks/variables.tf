variable "name" {
  description = "Name that all resources bear, such as spatiallake-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,40}$", var.name))
    error_message = "Use 3 to 41 lowercase letters, digits and hyphens, beginning with a letter."
  }
}

variable "bucket" {
  description = "Name of the bucket to make for the lake and logs."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the bucket; null for keys of S3."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete the bucket with the lake in it, and the schema with its volumes."
  type        = bool
  default     = false
}

variable "catalog" {
  description = "Catalog of Unity Catalog, which exists, for the schema of the lake."
  type        = string
}

variable "crawl" {
  description = "Crawl to add images from, an s3:// prefix."
  type        = string
}

variable "experts" {
  description = "Expert profile: sensor, builtin, or the name of a YAML file in the volume of the package, such as hub.yaml."
  type        = string
  default     = "sensor"
}

variable "settings" {
  description = "Settings by name, such as { \"lift.min_points\" = \"30\" }."
  type        = map(string)
  default     = {}
}

variable "examples" {
  description = "Also write training_examples, which stores images again."
  type        = bool
  default     = false
}

variable "wheel" {
  description = "Name of the wheel that `make package` wrote and that lies in the volume of the package."
  type        = string
  default     = "spatiallake-0.1.0-py3-none-any.whl"
}

variable "expert_packages" {
  description = "What learned experts need beside the wheel; the extra `experts` of pyproject.toml."
  type        = list(string)
  default = [
    "huggingface-hub>=2,<3",
    "num2words>=0.5.14",
    "safetensors>=0.5",
    "sentencepiece>=0.2",
    "torch>=2.7",
    "torchvision>=0.22",
    "transformers>=5.24,<6",
  ]
}

variable "spark" {
  description = "Spark of the runtime; its newest long-term runtime for machine learning is used. 4.1 is Databricks 18 LTS."
  type        = string
  default     = "4.1"
}

variable "cpu" {
  description = <<-END
    The workers of stages without GPUs: node type, the limits of autoscaling, and whether they come from a pool. A pool
    keeps machines between stages and runs, and waits for spot machines; without one, a stage falls back from spot to
    on-demand machines. Node types with NVMe disks spare the shuffle the network.
  END
  type = object({
    node_type   = optional(string, "r6id.2xlarge")
    min_workers = optional(number, 1)
    max_workers = optional(number, 8)
    pool        = optional(bool, true)
    idle        = optional(number, 0)
  })
  default = {}
}

variable "gpu" {
  description = <<-END
    The workers of filter, context and depth, described as those of `cpu`, with one GPU each; null where these stages
    need none, as with the sensor experts.
  END
  type = object({
    node_type   = optional(string, "g6.2xlarge")
    min_workers = optional(number, 1)
    max_workers = optional(number, 4)
    pool        = optional(bool, false)
    idle        = optional(number, 0)
  })
  default = null
}

variable "spot" {
  description = "Use spot machines for workers; the driver is always on demand."
  type        = bool
  default     = true
}

variable "shuffle_partitions" {
  description = "spark.sql.shuffle.partitions of every stage; some three per core."
  type        = number
  default     = 200
}

variable "stage_retries" {
  description = "How often a failed stage is tried again; a stage continues where it stopped."
  type        = number
  default     = 2
}

variable "max_run_hours" {
  description = "Hours after which a run is ended and told as failed."
  type        = number
  default     = 48
}

variable "schedule" {
  description = "When to run, as a Quartz expression such as `0 0 2 * * ?`; null to start runs by hand."
  type        = string
  default     = null
}

variable "timezone" {
  description = "Time zone of the schedule."
  type        = string
  default     = "UTC"
}

variable "alert_emails" {
  description = "Addresses that are told of a run that failed."
  type        = list(string)
  default     = []
}

variable "alert_destinations" {
  description = "Ids of notification destinations of the workspace, such as Slack or PagerDuty, that are told as well."
  type        = list(string)
  default     = []
}

variable "run_as" {
  description = "Application id of the service principal that runs, with USE CATALOG granted; null for whoever deploys."
  type        = string
  default     = null
}

variable "operators" {
  description = "Group that may start and stop runs and write the lake, with USE CATALOG granted; null for none."
  type        = string
  default     = null
}

variable "readers" {
  description = "Group that may see runs and read the lake, with USE CATALOG granted; null for none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything that costs, the machines of the job included."
  type        = map(string)
  default     = {}
}
