variable "region" {
  description = "AWS region of the workspace."
  type        = string
  default     = "us-east-1"
}

variable "bucket" {
  description = "Name of the bucket to make for the lake and logs."
  type        = string
}

variable "catalog" {
  description = "Catalog of Unity Catalog, which exists."
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
