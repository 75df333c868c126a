variable "name" {
  description = "Name of the bucket, unique in all of S3."
  type        = string
}

variable "crawl" {
  description = "Crawl that jobs may read, an s3:// prefix in any bucket."
  type        = string

  validation {
    condition     = startswith(var.crawl, "s3://")
    error_message = "The policy is for crawls on S3; name an s3:// prefix."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the bucket; null for keys of S3."
  type        = string
  default     = null
}

variable "noncurrent_days" {
  description = "Days until a deleted or overwritten object is gone for good."
  type        = number
  default     = 30
}

variable "log_days" {
  description = "Days that logs of jobs are kept."
  type        = number
  default     = 90
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete the bucket with everything in it."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
}
