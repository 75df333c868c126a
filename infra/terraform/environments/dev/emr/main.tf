# Small and by hand: the sensor experts, no GPUs, no schedule, a bucket that may be destroyed.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
  backend "s3" {}
}

provider "aws" {
  region = var.region
}

module "spatiallake" {
  source             = "../../../modules/emr"
  name               = "spatiallake-dev"
  bucket             = var.bucket
  force_destroy      = true
  crawl              = var.crawl
  experts            = "sensor"
  shuffle_partitions = 32
  stage_retries      = 0
  max_run_hours      = 6
  alert_emails       = var.alert_emails
  tags               = { environment = "dev" }

  serverless = {
    max_cpu       = 16
    max_memory_gb = 128
    max_disk_gb   = 500
  }
}
