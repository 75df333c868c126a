# Small and by hand: the sensor experts, no GPUs, no schedule, a bucket that may be destroyed.

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
  name               = "spatiallake-dev"
  bucket             = var.bucket
  catalog            = var.catalog
  force_destroy      = true
  crawl              = var.crawl
  experts            = "sensor"
  shuffle_partitions = 32
  stage_retries      = 0
  max_run_hours      = 6
  alert_emails       = var.alert_emails
  tags               = { environment = "dev" }

  cpu = {
    node_type   = "m6id.xlarge"
    max_workers = 2
    pool        = true
  }
}
