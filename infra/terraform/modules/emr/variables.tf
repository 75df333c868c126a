variable "name" {
  description = "Name that all resources bear, such as spatiallake-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,40}$", var.name))
    error_message = "Use 3 to 41 lowercase letters, digits and hyphens, beginning with a letter."
  }
}

variable "bucket" {
  description = "Name of the bucket to make for the lake, the package and logs."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the bucket; null for keys of S3."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete the bucket with the lake in it."
  type        = bool
  default     = false
}

variable "crawl" {
  description = "Crawl to add images from, an s3:// prefix."
  type        = string
}

variable "experts" {
  description = "Expert profile: sensor, builtin, or a YAML file in the package, such as s3://BUCKET/package/hub.yaml."
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

variable "release" {
  description = "EMR release of the cluster and of the serverless application; it decides Spark and Delta Lake."
  type        = string
  default     = "emr-spark-8.2.0"
}

variable "serverless" {
  description = <<-END
    The serverless application, on which stages without GPUs run: its largest size, minutes until it stops when idle,
    and the cores and memory of driver and executors. Spark starts executors as it needs them, up to the largest size.
  END
  type = object({
    max_cpu        = optional(number, 64)
    max_memory_gb  = optional(number, 512)
    max_disk_gb    = optional(number, 2000)
    idle_minutes   = optional(number, 5)
    executor_cores = optional(number, 4)
    executor_gb    = optional(number, 24)
    driver_cores   = optional(number, 4)
    driver_gb      = optional(number, 14)
  })
  default = {}
}

variable "gpu" {
  description = <<-END
    The cluster with GPUs, which a run makes for filter, context and depth and ends afterwards; null for none, as with
    the sensor experts. Types are tried in their order of price and availability; all have NVMe disks, one GPU and the
    same number of cores. `spot` machines of the task fleet, and `on_demand` beside them; where no spot machine is had
    in `fallback_minutes`, on-demand ones are started.
  END
  type = object({
    types            = optional(list(string), ["g6.2xlarge", "g5.2xlarge", "g4dn.2xlarge"])
    spot             = optional(number, 4)
    on_demand        = optional(number, 0)
    fallback_minutes = optional(number, 15)
    core_type        = optional(string, "r6id.xlarge")
    primary_type     = optional(string, "m6i.xlarge")
    executor_cores   = optional(number, 7)
    executor_gb      = optional(number, 20)
    idle_minutes     = optional(number, 30)
  })
  default = null
}

variable "subnet_ids" {
  description = <<-END
    Private subnets of the GPU cluster, with a route to S3; needed where gpu is not null. They and their VPC bear the
    tag `for-use-with-amazon-emr-managed-policies = true`.
  END
  type        = list(string)
  default     = []
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
  description = "When to run, such as cron(0 2 * * ? *); null to start runs by hand."
  type        = string
  default     = null
}

variable "timezone" {
  description = "Time zone of the schedule."
  type        = string
  default     = "UTC"
}

variable "alert_emails" {
  description = "Addresses that are told of a run that failed; each has to confirm the subscription."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of everything that costs, the GPU cluster and the serverless jobs included."
  type        = map(string)
  default     = {}
}
