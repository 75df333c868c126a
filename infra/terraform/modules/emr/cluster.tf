# The cluster with GPUs, as the state machine asks EMR for it.

resource "aws_s3_object" "gpu_node" {
  count   = var.gpu == null ? 0 : 1
  bucket  = module.bucket.name
  key     = "package/gpu-node.sh"
  content = file("${path.module}/gpu-node.sh")
}

locals {
  gpu = var.gpu == null ? null : {
    spark = merge(local.spark, {
      "spark.yarn.appMasterEnv.PYSPARK_PYTHON"      = local.python
      "spark.yarn.appMasterEnv.AWS_REGION"          = local.region
      "spark.yarn.maxAppAttempts"                   = "1"
      "spark.dynamicAllocation.enabled"             = "true"
      "spark.dynamicAllocation.maxExecutors"        = tostring(var.gpu.spot + var.gpu.on_demand)
      "spark.executor.resource.gpu.amount"          = "1"
      "spark.executor.resource.gpu.discoveryScript" = "/opt/spatiallake/find-gpus.sh"
      "spark.executor.cores"                        = tostring(var.gpu.executor_cores)
      "spark.executor.memory"                       = "${floor(var.gpu.executor_gb * 0.4)}g"
      "spark.executor.memoryOverhead"               = "${floor(var.gpu.executor_gb * 0.6)}g"
      "spark.decommission.enabled"                  = "true"
      "spark.storage.decommission.enabled"          = "true"
    })

    classifications = [
      { Classification = "delta-defaults", Properties = { "delta.enabled" = "true" } },
      { Classification = "capacity-scheduler", Properties = {
        "yarn.scheduler.capacity.resource-calculator" = "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"
      } },
      { Classification = "yarn-site", Properties = {
        "yarn.node-labels.enabled"                          = "true"
        "yarn.node-labels.am.default-node-label-expression" = "CORE"
        "yarn.resource-types"                               = "yarn.io/gpu"
      } },
    ]

    # Of the machines with GPUs alone.
    gpu_classifications = [
      { Classification = "yarn-site", Properties = {
        "yarn.nodemanager.resource-plugins"                                   = "yarn.io/gpu"
        "yarn.nodemanager.resource-plugins.gpu.allowed-gpu-devices"           = "auto"
        "yarn.nodemanager.resource-plugins.gpu.path-to-discovery-executables" = "/usr/bin"
        "yarn.nodemanager.container-executor.class"                           = "org.apache.hadoop.yarn.server.nodemanager.LinuxContainerExecutor"
        "yarn.nodemanager.linux-container-executor.cgroups.hierarchy"         = "yarn"
        "yarn.nodemanager.linux-container-executor.cgroups.mount"             = "true"
        "yarn.nodemanager.linux-container-executor.cgroups.mount-path"        = "/yarn-cgroup"
      } },
      { Classification = "container-executor", Properties = {}, Configurations = [
        { Classification = "gpu", Properties = { "module.enabled" = "true" } },
        { Classification = "cgroups", Properties = { root = "/yarn-cgroup", yarn-hierarchy = "yarn" } },
      ] },
    ]
  }

  # The request of RunJobFlow; without a cluster it is not part of the state machine.
  run_job_flow = local.gpu == null ? null : {
    Name         = var.name
    ReleaseLabel = var.release
    LogUri       = "s3://${module.bucket.name}/logs/cluster/"
    Applications = [{ Name = "Spark" }]
    ServiceRole  = aws_iam_role.cluster_service[0].arn
    JobFlowRole  = aws_iam_instance_profile.cluster[0].name
    Tags         = [for key, value in local.cluster_tags : { Key = key, Value = value }]

    Configurations        = local.gpu.classifications
    AutoTerminationPolicy = { IdleTimeout = var.gpu.idle_minutes * 60 }
    ScaleDownBehavior     = "TERMINATE_AT_TASK_COMPLETION"

    # Machines without work are given back; the one of the core fleet stays for the driver.
    ManagedScalingPolicy = {
      ComputeLimits = {
        UnitType                 = "InstanceFleetUnits"
        MinimumCapacityUnits     = 2
        MaximumCapacityUnits     = 1 + var.gpu.spot + var.gpu.on_demand
        MaximumCoreCapacityUnits = 1
      }
    }

    BootstrapActions = [{
      Name = "gpu-node"
      ScriptBootstrapAction = {
        Path = "s3://${module.bucket.name}/${aws_s3_object.gpu_node[0].key}"
        Args = []
      }
    }]

    Instances = {
      KeepJobFlowAliveWhenNoSteps = true
      TerminationProtected        = false
      Ec2SubnetIds                = var.subnet_ids
      InstanceFleets = [
        {
          Name                   = "primary"
          InstanceFleetType      = "MASTER"
          TargetOnDemandCapacity = 1
          InstanceTypeConfigs    = [{ InstanceType = var.gpu.primary_type }]
        },
        {
          Name                   = "core"
          InstanceFleetType      = "CORE"
          TargetOnDemandCapacity = 1
          InstanceTypeConfigs    = [{ InstanceType = var.gpu.core_type, WeightedCapacity = 1 }]
        },
        {
          Name                   = "gpu"
          InstanceFleetType      = "TASK"
          TargetSpotCapacity     = var.gpu.spot
          TargetOnDemandCapacity = var.gpu.on_demand
          InstanceTypeConfigs = [for type in var.gpu.types : {
            InstanceType     = type
            WeightedCapacity = 1
            Configurations   = local.gpu.gpu_classifications
          }]
          LaunchSpecifications = {
            SpotSpecification = {
              AllocationStrategy     = "price-capacity-optimized"
              TimeoutAction          = "SWITCH_TO_ON_DEMAND"
              TimeoutDurationMinutes = var.gpu.fallback_minutes
            }
            OnDemandSpecification = { AllocationStrategy = "lowest-price" }
          }
        },
      ]
    }
  }

  # EMR's managed policy lets the service touch only what bears this tag.
  cluster_tags = merge(local.tags, { "for-use-with-amazon-emr-managed-policies" = "true" })
}
