variable "region" {
  description = "AWS region of the workspace."
  type        = string
  default     = "us-east-1"
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

variable "catalog" {
  description = "Catalog of Unity Catalog, which exists."
  type        = string
}

variable "crawl" {
  description = "Crawl to add images from, an s3:// prefix."
  type        = string
}

variable "profile" {
  description = "File of the expert profile in the volume of the package, such as hub.yaml."
  type        = string
  default     = "hub.yaml"
}

variable "settings" {
  description = "Settings by name, such as { \"synthesize.short_share\" = \"0.7\" }."
  type        = map(string)
  default     = {}
}

variable "gpus" {
  description = "Largest number of workers with one GPU each."
  type        = number
  default     = 4
}

variable "schedule" {
  description = "When to run, as a Quartz expression, in UTC."
  type        = string
  default     = "0 0 2 * * ?"
}

variable "alert_emails" {
  description = "Addresses that are told of a run that failed."
  type        = list(string)
}

variable "alert_destinations" {
  description = "Ids of notification destinations of the workspace that are told as well."
  type        = list(string)
  default     = []
}

variable "run_as" {
  description = "Application id of the service principal that runs, with USE CATALOG granted."
  type        = string
}

variable "operators" {
  description = "Group that may start and stop runs and write the lake, with USE CATALOG granted."
  type        = string
}

variable "readers" {
  description = "Group that may see runs and read the lake, with USE CATALOG granted."
  type        = string
}

variable "cost_center" {
  description = "Tag by which costs are told apart."
  type        = string
}
