# Where stages without GPUs run.

resource "aws_emrserverless_application" "cpu" {
  name          = var.name
  type          = "spark"
  release_label = var.release
  architecture  = "X86_64"
  tags          = local.tags

  maximum_capacity {
    cpu    = "${var.serverless.max_cpu} vCPU"
    memory = "${var.serverless.max_memory_gb} GB"
    disk   = "${var.serverless.max_disk_gb} GB"
  }

  auto_start_configuration {
    enabled = true
  }

  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = var.serverless.idle_minutes
  }
}

locals {
  serverless_spark = merge(local.spark, {
    "spark.jars" = join(",", [
      "/usr/share/aws/delta/lib/delta-spark.jar",
      "/usr/share/aws/delta/lib/delta-storage.jar",
    ])
    "spark.archives"                                       = local.archive
    "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON" = local.python
    "spark.emr-serverless.driverEnv.PYSPARK_PYTHON"        = local.python
    "spark.emr-serverless.driverEnv.AWS_REGION"            = local.region
    "spark.dynamicAllocation.enabled"                      = "true"
    "spark.dynamicAllocation.maxExecutors"                 = tostring(floor(var.serverless.max_cpu / var.serverless.executor_cores))
    "spark.executor.cores"                                 = tostring(var.serverless.executor_cores)
    "spark.executor.memory"                                = "${floor(var.serverless.executor_gb * 0.5)}g"
    "spark.executor.memoryOverhead"                        = "${floor(var.serverless.executor_gb * 0.5)}g"
    "spark.driver.cores"                                   = tostring(var.serverless.driver_cores)
    "spark.driver.memory"                                  = "${var.serverless.driver_gb}g"
    "spark.emr-serverless.executor.disk"                   = "100g"
    "spark.hadoop.fs.s3a.connection.maximum"               = "200"
    "spark.hadoop.hive.metastore.client.factory.class"     = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
  })
  serverless_parameters = join(" ", [for name, value in local.serverless_spark : "--conf ${name}=${value}"])
}
