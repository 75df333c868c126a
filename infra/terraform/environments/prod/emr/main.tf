# Every night: learned experts on a cluster of spot machines with GPUs, all other stages serverless.

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
  name               = "spatiallake-prod"
  bucket             = var.bucket
  kms_key_arn        = var.kms_key_arn
  crawl              = var.crawl
  experts            = "s3://${var.bucket}/package/${var.profile}"
  settings           = var.settings
  shuffle_partitions = 400
  schedule           = var.schedule
  alert_emails       = var.alert_emails
  subnet_ids         = var.subnet_ids
  tags               = { environment = "prod", cost-center = var.cost_center }

  gpu = {
    spot      = var.gpus
    on_demand = 0
  }

  serverless = {
    max_cpu       = 256
    max_memory_gb = 2048
    max_disk_gb   = 8000
  }
}
