# The engine on EMR: a state machine runs one stage after another. Stages without GPUs run serverless; for the others a
# cluster is made, and ended after the last of them.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

module "bucket" {
  source        = "../bucket"
  name          = var.bucket
  crawl         = var.crawl
  kms_key_arn   = var.kms_key_arn
  force_destroy = var.force_destroy
  tags          = local.tags
}

module "commands" {
  source   = "../commands"
  crawl    = var.crawl
  lake     = module.bucket.lake
  experts  = var.experts
  settings = var.settings
  gpu      = var.gpu != null
  examples = var.examples
}

locals {
  tags      = merge({ project = var.name }, var.tags)
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  account   = data.aws_caller_identity.current.account_id
  # What holds for one run at a time, and for the names that IAM policies are written for before the things exist.
  machine_arn = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name}"

  entry_point = "${module.bucket.package}/spatiallake_main.py"
  archive     = "${module.bucket.package}/environment.tar.gz#environment"
  python      = "./environment/bin/python"

  # The rest is set by the engine in its session: see docs/clusters.md.
  spark = {
    "spark.sql.extensions"             = "io.delta.sql.DeltaSparkSessionExtension"
    "spark.sql.catalog.spark_catalog"  = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    "spark.sql.shuffle.partitions"     = tostring(var.shuffle_partitions)
    "spark.sql.adaptive.enabled"       = "true"
    "spark.executorEnv.PYSPARK_PYTHON" = local.python
    "spark.executorEnv.AWS_REGION"     = local.region
  }
}

# The database under whose name Athena and Spark find the lake's tables.
resource "aws_glue_catalog_database" "lake" {
  name         = replace(var.name, "-", "_")
  description  = "Tables of the spatiallake in ${module.bucket.lake}."
  location_uri = module.bucket.lake
}

resource "aws_glue_crawler" "lake" {
  name          = var.name
  description   = "Registers the lake's Delta tables after each run."
  database_name = aws_glue_catalog_database.lake.name
  role          = aws_iam_role.crawler.arn
  tags          = local.tags

  delta_target {
    delta_tables              = [for name in local.queried : "${module.bucket.lake}/${name}/"]
    create_native_delta_table = true
    write_manifest            = false
  }
}

locals {
  queried = concat(
    ["crawl", "images", "provenance", "near_duplicates", "image_scores", "regions", "depths", "scenes", "references"],
    ["qa_pairs", "qa_statistics", "object_statistics", "quarantine", "stage_runs", "recipes"],
    var.examples ? ["training_examples"] : [],
  )
}
