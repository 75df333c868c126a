# One run: the state machine, when it starts, and who is told that it failed.

locals {
  stages    = module.commands.stages
  on_gpus   = [for stage in local.stages : stage.name if stage.gpu]
  first_gpu = try(local.on_gpus[0], "")
  last_gpu  = try(local.on_gpus[length(local.on_gpus) - 1], "")

  order = concat(
    flatten([for stage in local.stages : concat(
      stage.name == local.first_gpu ? ["CreateCluster"] : [],
      [title(stage.name)],
      stage.name == local.last_gpu ? ["TerminateCluster"] : [],
    )]),
    ["RegisterTables"],
  )
  next = { for place, state in local.order : state => try(local.order[place + 1], "Done") }

  # A killed stage holds the lake for 90 s.
  retry = [{ ErrorEquals = ["States.TaskFailed"], MaxAttempts = var.stage_retries, IntervalSeconds = 120, BackoffRate = 2 }]

  # Both kinds of a stage are made as JSON text, since Terraform wants values of one type behind a condition.
  stage_states = { for stage in local.stages : title(stage.name) => jsondecode(stage.gpu ? jsonencode({
    Type       = "Task"
    Resource   = "arn:${local.partition}:states:::elasticmapreduce:addStep.sync"
    ResultPath = null
    Next       = local.next[title(stage.name)]
    Retry      = local.retry
    Catch      = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "TerminateFailedCluster" }]
    Parameters = {
      "ClusterId.$" = "$.cluster.ClusterId"
      Step = {
        Name            = stage.name
        ActionOnFailure = "CONTINUE"
        HadoopJarStep = {
          Jar = "command-runner.jar"
          Args = concat(
            ["spark-submit", "--deploy-mode", "cluster", "--archives", local.archive],
            flatten([for name, value in try(local.gpu.spark, {}) : ["--conf", "${name}=${value}"]]),
            [local.entry_point],
            stage.arguments,
          )
        }
      }
    }
    }) : jsonencode({
    Type       = "Task"
    Resource   = "arn:${local.partition}:states:::emr-serverless:startJobRun.sync"
    ResultPath = null
    Next       = local.next[title(stage.name)]
    Retry      = local.retry
    Catch      = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "Failed" }]
    Parameters = {
      Name                    = stage.name
      ApplicationId           = aws_emrserverless_application.cpu.id
      ExecutionRoleArn        = aws_iam_role.job.arn
      ExecutionTimeoutMinutes = var.max_run_hours * 60
      Tags                    = local.tags
      JobDriver = {
        SparkSubmit = {
          EntryPoint            = local.entry_point
          EntryPointArguments   = stage.arguments
          SparkSubmitParameters = local.serverless_parameters
        }
      }
      ConfigurationOverrides = {
        MonitoringConfiguration = {
          S3MonitoringConfiguration = { LogUri = "s3://${module.bucket.name}/logs/serverless/" }
        }
      }
    }
  })) }

  terminate = {
    Type       = "Task"
    Resource   = "arn:${local.partition}:states:::elasticmapreduce:terminateCluster.sync"
    ResultPath = null
    Parameters = { "ClusterId.$" = "$.cluster.ClusterId" }
  }

  cluster_states = { for name, state in {
    CreateCluster = {
      Type       = "Task"
      Resource   = "arn:${local.partition}:states:::elasticmapreduce:createCluster.sync"
      Parameters = local.run_job_flow
      ResultPath = "$.cluster"
      Next       = lookup(local.next, "CreateCluster", "Done")
      Retry      = local.retry
      Catch      = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "Failed" }]
    }
    TerminateCluster       = merge(local.terminate, { Next = lookup(local.next, "TerminateCluster", "Done") })
    TerminateFailedCluster = merge(local.terminate, { Next = "Failed" })
  } : name => state if local.gpu != null }

  # A lake has one writer at a time: the stages of a second run would fail.
  guard_states = {
    OtherRuns = {
      Type       = "Task"
      Resource   = "arn:${local.partition}:states:::aws-sdk:sfn:listExecutions"
      Parameters = { "StateMachineArn.$" = "$$.StateMachine.Id", StatusFilter = "RUNNING", MaxResults = 2 }
      ResultPath = "$.running"
      Next       = "Alone"
    }
    Alone = {
      Type    = "Choice"
      Choices = [{ Variable = "$.running.Executions[1]", IsPresent = true, Next = "AlreadyRunning" }]
      Default = local.order[0]
    }
    AlreadyRunning = {
      Type  = "Fail"
      Error = "AlreadyRunning"
      Cause = "Another run works on this lake; start again when it has ended."
    }
  }

  end_states = {
    RegisterTables = {
      Type       = "Task"
      Resource   = "arn:${local.partition}:states:::aws-sdk:glue:startCrawler"
      Parameters = { Name = aws_glue_crawler.lake.name }
      ResultPath = null
      Next       = "Done"
      Catch      = [{ ErrorEquals = ["Glue.CrawlerRunningException"], ResultPath = null, Next = "Done" }]
    }
    Done   = { Type = "Succeed" }
    Failed = { Type = "Fail", ErrorPath = "$.error.Error", CausePath = "$.error.Cause" }
  }
}

resource "aws_sfn_state_machine" "run" {
  name     = var.name
  role_arn = aws_iam_role.state_machine.arn
  tags     = local.tags

  definition = jsonencode({
    Comment        = "Brings the lake ${module.bucket.lake} up to date with its crawl, stage by stage."
    StartAt        = "OtherRuns"
    TimeoutSeconds = var.max_run_hours * 3600
    States         = merge(local.guard_states, local.stage_states, local.cluster_states, local.end_states)
  })
}

resource "aws_scheduler_schedule" "run" {
  count                        = var.schedule == null ? 0 : 1
  name                         = var.name
  description                  = "Starts a run of spatiallake."
  schedule_expression          = var.schedule
  schedule_expression_timezone = var.timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.run.arn
    role_arn = aws_iam_role.scheduler[0].arn
    input    = "{}"
  }
}

# Told by Step Functions itself, so that a run that was stopped or took too long is told as well.
resource "aws_sns_topic" "failed" {
  name = "${var.name}-failed"
  tags = local.tags
}

resource "aws_sns_topic_subscription" "failed" {
  for_each  = toset(var.alert_emails)
  topic_arn = aws_sns_topic.failed.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic_policy" "failed" {
  arn = aws_sns_topic.failed.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LetEventsTell"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["sns:Publish"]
      Resource  = [aws_sns_topic.failed.arn]
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.failed.arn } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "failed" {
  name        = "${var.name}-failed"
  description = "A run of spatiallake ended without success."
  tags        = local.tags
  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail = {
      stateMachineArn = [aws_sfn_state_machine.run.arn]
      status          = ["FAILED", "TIMED_OUT", "ABORTED"]
    }
  })
}

resource "aws_cloudwatch_event_target" "failed" {
  rule = aws_cloudwatch_event_rule.failed.name
  arn  = aws_sns_topic.failed.arn
}
