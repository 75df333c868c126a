# Every night: learned experts on machines with GPUs, all other stages on machines of a pool.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
    databricks = {
      source  = "databricks/databricks"
      version = "~> 1.138"
    }
  }
  backend "s3" {}
}

provider "aws" {
  region = var.region
}

# The workspace and the credentials are those of the environment: DATABRICKS_HOST, or a profile of the command line.
provider "databricks" {}

module "spatiallake" {
  source             = "../../../modules/databricks"
  name               = "spatiallake-prod"
  bucket             = var.bucket
  kms_key_arn        = var.kms_key_arn
  catalog            = var.catalog
  crawl              = var.crawl
  experts            = var.profile
  settings           = var.settings
  shuffle_partitions = 400
  schedule           = var.schedule
  alert_emails       = var.alert_emails
  alert_destinations = var.alert_destinations
  run_as             = var.run_as
  operators          = var.operators
  readers            = var.readers
  tags               = { environment = "prod", cost-center = var.cost_center }

  cpu = {
    max_workers = 16
  }

  gpu = {
    max_workers = var.gpus
  }
}
