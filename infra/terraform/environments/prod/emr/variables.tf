variable "region" {
  description = "AWS region to deploy to."
  type        = string
  default     = "us-east-1"
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

variable "crawl" {
  description = "Crawl to add images from, an s3:// prefix."
  type        = string
}

variable "profile" {
  description = "File of the expert profile in the package, such as hub.yaml."
  type        = string
  default     = "hub.yaml"
}

variable "settings" {
  description = "Settings by name, such as { \"synthesize.short_share\" = \"0.7\" }."
  type        = map(string)
  default     = {}
}

variable "gpus" {
  description = "Spot machines with one GPU each."
  type        = number
  default     = 4
}

variable "subnet_ids" {
  description = <<-END
    Private subnets of the GPU cluster, with a route to S3. They and their VPC bear the tag
    `for-use-with-amazon-emr-managed-policies = true`.
  END
  type        = list(string)
}

variable "schedule" {
  description = "When to run, in UTC."
  type        = string
  default     = "cron(0 2 * * ? *)"
}

variable "alert_emails" {
  description = "Addresses that are told of a run that failed."
  type        = list(string)
}

variable "cost_center" {
  description = "Tag by which costs are told apart."
  type        = string
}
