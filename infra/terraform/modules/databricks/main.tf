# The engine as a Databricks job: one task per stage, on machines with GPUs where the stage needs them.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

data "databricks_spark_version" "cpu" {
  long_term_support = true
  ml                = true
  spark_version     = var.spark
}

data "databricks_spark_version" "gpu" {
  long_term_support = true
  ml                = true
  gpu               = true
  spark_version     = var.spark
}

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
  experts  = contains(["sensor", "builtin"], var.experts) ? var.experts : "${local.package}/${var.experts}"
  settings = var.settings
  gpu      = var.gpu != null
  examples = var.examples
  publish  = { catalog = var.catalog, schema = local.schema }
}

locals {
  tags    = merge({ project = var.name }, var.tags)
  package = "/Volumes/${var.catalog}/${local.schema}/package"
  schema  = replace(var.name, "-", "_")

  # The rest is set by the engine in its session: see docs/clusters.md.
  spark = {
    "spark.sql.shuffle.partitions"                 = tostring(var.shuffle_partitions)
    "spark.databricks.delta.optimizeWrite.enabled" = "false"
    "spark.databricks.delta.autoCompact.enabled"   = "false"
  }

  kinds = merge(
    { cpu = var.cpu },
    { for name, kind in { gpu = var.gpu } : name => kind if kind != null },
  )
  versions = {
    cpu = data.databricks_spark_version.cpu.id
    gpu = data.databricks_spark_version.gpu.id
  }
  pooled = { for name, kind in local.kinds : name => kind if kind.pool }

  stages = module.commands.stages
}

resource "databricks_workspace_file" "entry" {
  path   = "/Shared/${var.name}/spatiallake_main.py"
  source = "${path.module}/../../../spatiallake_main.py"
}

resource "databricks_instance_pool" "workers" {
  for_each                              = local.pooled
  instance_pool_name                    = "${var.name}-${each.key}"
  node_type_id                          = each.value.node_type
  min_idle_instances                    = each.value.idle
  max_capacity                          = each.value.max_workers
  idle_instance_autotermination_minutes = 15
  preloaded_spark_versions              = [local.versions[each.key]]
  custom_tags                           = local.tags

  aws_attributes {
    availability           = var.spot ? "SPOT" : "ON_DEMAND"
    spot_bid_price_percent = 100
    zone_id                = "auto"
    instance_profile_arn   = databricks_instance_profile.job.instance_profile_arn
  }
}

# A driver that is lost ends its stage, so it is no spot machine.
resource "databricks_instance_pool" "drivers" {
  for_each                              = local.pooled
  instance_pool_name                    = "${var.name}-${each.key}-driver"
  node_type_id                          = each.value.node_type
  min_idle_instances                    = 0
  max_capacity                          = 2
  idle_instance_autotermination_minutes = 15
  preloaded_spark_versions              = [local.versions[each.key]]
  custom_tags                           = local.tags

  aws_attributes {
    availability         = "ON_DEMAND"
    zone_id              = "auto"
    instance_profile_arn = databricks_instance_profile.job.instance_profile_arn
  }
}

resource "databricks_job" "run" {
  name                = var.name
  description         = "Brings the lake ${module.bucket.lake} up to date with its crawl, stage by stage."
  max_concurrent_runs = 1 # a lake has one writer at a time: the stages of a second run would fail
  timeout_seconds     = var.max_run_hours * 3600
  tags                = local.tags

  queue {
    enabled = true
  }

  dynamic "run_as" {
    for_each = var.run_as[*]
    content {
      service_principal_name = run_as.value
    }
  }

  dynamic "schedule" {
    for_each = var.schedule[*]
    content {
      quartz_cron_expression = schedule.value
      timezone_id            = var.timezone
      pause_status           = "UNPAUSED"
    }
  }

  email_notifications {
    on_failure                = var.alert_emails
    no_alert_for_skipped_runs = true
  }

  dynamic "webhook_notifications" {
    for_each = length(var.alert_destinations) == 0 ? [] : [var.alert_destinations]
    content {
      dynamic "on_failure" {
        for_each = webhook_notifications.value
        content {
          id = on_failure.value
        }
      }
    }
  }

  dynamic "job_cluster" {
    for_each = local.kinds
    content {
      job_cluster_key = job_cluster.key

      new_cluster {
        spark_version           = local.versions[job_cluster.key]
        data_security_mode      = "SINGLE_USER"
        runtime_engine          = "STANDARD" # the work is done in Python
        node_type_id            = job_cluster.value.pool ? null : job_cluster.value.node_type
        instance_pool_id        = job_cluster.value.pool ? databricks_instance_pool.workers[job_cluster.key].id : null
        driver_instance_pool_id = job_cluster.value.pool ? databricks_instance_pool.drivers[job_cluster.key].id : null
        enable_elastic_disk     = job_cluster.value.pool ? null : true
        spark_env_vars          = { AWS_REGION = data.aws_region.current.region }
        custom_tags             = local.tags
        spark_conf = merge(
          local.spark,
          job_cluster.key == "gpu" ? { "spark.task.resource.gpu.amount" = "1" } : {},
        )

        autoscale {
          min_workers = job_cluster.value.min_workers
          max_workers = job_cluster.value.max_workers
        }

        aws_attributes {
          instance_profile_arn = databricks_instance_profile.job.instance_profile_arn
          availability         = job_cluster.value.pool ? null : var.spot ? "SPOT_WITH_FALLBACK" : "ON_DEMAND"
          first_on_demand      = job_cluster.value.pool ? null : 1
          zone_id              = job_cluster.value.pool ? null : "auto"
        }

        cluster_log_conf {
          s3 {
            destination       = "s3://${module.bucket.name}/logs/databricks"
            region            = data.aws_region.current.region
            enable_encryption = true
          }
        }
      }
    }
  }

  dynamic "task" {
    for_each = { for place, stage in local.stages : stage.name => merge(stage, {
      after = place == 0 ? [] : [local.stages[place - 1].name]
    }) }
    content {
      task_key                  = task.key
      job_cluster_key           = task.value.gpu ? "gpu" : "cpu"
      max_retries               = var.stage_retries
      min_retry_interval_millis = 120000 # a killed stage holds the lake for 90 s
      retry_on_timeout          = false

      dynamic "depends_on" {
        for_each = task.value.after
        content {
          task_key = depends_on.value
        }
      }

      spark_python_task {
        python_file = "/Workspace${databricks_workspace_file.entry.path}"
        source      = "WORKSPACE"
        parameters  = task.value.arguments
      }

      library {
        whl = "${local.package}/${var.wheel}"
      }

      dynamic "library" {
        for_each = task.value.gpu ? var.expert_packages : []
        content {
          pypi {
            package = library.value
          }
        }
      }
    }
  }
}

resource "databricks_permissions" "run" {
  count  = var.operators == null && var.readers == null ? 0 : 1
  job_id = databricks_job.run.id

  dynamic "access_control" {
    for_each = var.operators[*]
    content {
      group_name       = access_control.value
      permission_level = "CAN_MANAGE_RUN"
    }
  }

  dynamic "access_control" {
    for_each = var.readers[*]
    content {
      group_name       = access_control.value
      permission_level = "CAN_VIEW"
    }
  }
}
