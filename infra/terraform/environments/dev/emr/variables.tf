variable "region" {
  description = "AWS region to deploy to."
  type        = string
  default     = "us-east-1"
}

variable "bucket" {
  description = "Name of the bucket to make for the lake, the package and logs."
  type        = string
}

variable "crawl" {
  description = "Crawl to add images from, an s3:// prefix; for the sensor experts, with depth and masks."
  type        = string
}

variable "alert_emails" {
  description = "Addresses that are told of a run that failed."
  type        = list(string)
  default     = []
}
