# One role per service, each with what its own work needs.

locals {
  arns = {
    clusters = "arn:${local.partition}:elasticmapreduce:${local.region}:${local.account}:cluster/*"
    glue = [
      "arn:${local.partition}:glue:${local.region}:${local.account}:catalog",
      "arn:${local.partition}:glue:${local.region}:${local.account}:database/${aws_glue_catalog_database.lake.name}",
      "arn:${local.partition}:glue:${local.region}:${local.account}:table/${aws_glue_catalog_database.lake.name}/*",
    ]
  }

  job_statements = concat(module.bucket.statements, [
    {
      Sid    = "NameTables"
      Effect = "Allow"
      Action = [
        "glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartitions",
        "glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable",
      ]
      Resource = local.arns.glue
    },
  ])

  # Who may take a role: the service, on behalf of this account.
  trust = { for service in ["emr-serverless", "elasticmapreduce", "scheduler", "states"] : service => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole"]
      Principal = { Service = "${service}.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  }) }
}

resource "aws_iam_role" "job" {
  name               = "${var.name}-job"
  description        = "What a serverless stage may do."
  assume_role_policy = local.trust["emr-serverless"]
  tags               = local.tags
}

resource "aws_iam_role_policy" "job" {
  role   = aws_iam_role.job.name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.job_statements })
}

resource "aws_iam_role" "crawler" {
  name        = "${var.name}-crawler"
  description = "What the registration of tables may do."
  tags        = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole"]
      Principal = { Service = "glue.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "crawler" {
  role = aws_iam_role.crawler.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ListLake"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [module.bucket.arn]
        Condition = { StringLike = { "s3:prefix" = ["lake", "lake/*"] } }
      },
      {
        Sid      = "ReadLogsOfTables"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${module.bucket.arn}/lake/*"]
      },
      {
        Sid    = "NameTables"
        Effect = "Allow"
        Action = [
          "glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:CreateTable", "glue:UpdateTable",
          "glue:BatchGetPartition", "glue:GetPartitions",
        ]
        Resource = local.arns.glue
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws-glue/crawlers:*"]
      },
    ]
  })
}

resource "aws_iam_role" "cluster_service" {
  count              = var.gpu == null ? 0 : 1
  name               = "${var.name}-cluster-service"
  description        = "What EMR may do to make and end the GPU cluster."
  assume_role_policy = local.trust["elasticmapreduce"]
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "cluster_service" {
  count      = var.gpu == null ? 0 : 1
  role       = aws_iam_role.cluster_service[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
}

resource "aws_iam_role_policy" "cluster_service" {
  count = var.gpu == null ? 0 : 1
  role  = aws_iam_role.cluster_service[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "GiveMachinesTheirRole"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [aws_iam_role.cluster[0].arn]
      Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
    }]
  })
}

resource "aws_iam_role" "cluster" {
  count       = var.gpu == null ? 0 : 1
  name        = "${var.name}-cluster"
  description = "What a stage on the GPU cluster may do."
  tags        = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole"]
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "cluster" {
  count  = var.gpu == null ? 0 : 1
  role   = aws_iam_role.cluster[0].name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.job_statements })
}

resource "aws_iam_instance_profile" "cluster" {
  count = var.gpu == null ? 0 : 1
  name  = "${var.name}-cluster"
  role  = aws_iam_role.cluster[0].name
  tags  = local.tags
}

resource "aws_iam_role" "state_machine" {
  name               = "${var.name}-run"
  description        = "What a run may start and end."
  assume_role_policy = local.trust["states"]
  tags               = local.tags
}

resource "aws_iam_role_policy" "state_machine" {
  role = aws_iam_role.state_machine.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "SeeOtherRuns"
          Effect   = "Allow"
          Action   = ["states:ListExecutions"]
          Resource = [local.machine_arn]
        },
        {
          Sid      = "StartJobs"
          Effect   = "Allow"
          Action   = ["emr-serverless:StartJobRun", "emr-serverless:TagResource"]
          Resource = [aws_emrserverless_application.cpu.arn, "${aws_emrserverless_application.cpu.arn}/jobruns/*"]
        },
        {
          Sid      = "FollowJobs"
          Effect   = "Allow"
          Action   = ["emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"]
          Resource = ["${aws_emrserverless_application.cpu.arn}/jobruns/*"]
        },
        {
          Sid       = "GiveJobsTheirRole"
          Effect    = "Allow"
          Action    = ["iam:PassRole"]
          Resource  = [aws_iam_role.job.arn]
          Condition = { StringEquals = { "iam:PassedToService" = "emr-serverless.amazonaws.com" } }
        },
        {
          Sid    = "HearOfTheirEnd"
          Effect = "Allow"
          Action = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
          Resource = [
            "arn:${local.partition}:events:${local.region}:${local.account}:rule/StepFunctionsGetEventsForEMRServerlessJobRule",
          ]
        },
        {
          Sid      = "RegisterTables"
          Effect   = "Allow"
          Action   = ["glue:StartCrawler"]
          Resource = [aws_glue_crawler.lake.arn]
        },
      ],
      [for statement in [
        {
          Sid       = "MakeClusters"
          Effect    = "Allow"
          Action    = ["elasticmapreduce:RunJobFlow", "elasticmapreduce:AddTags"]
          Resource  = ["*"] # a cluster has no name before it is made
          Condition = { StringEquals = { "aws:RequestTag/project" = local.tags.project } }
        },
        {
          Sid    = "UseAndEndOwnClusters"
          Effect = "Allow"
          Action = [
            "elasticmapreduce:DescribeCluster", "elasticmapreduce:TerminateJobFlows", "elasticmapreduce:AddJobFlowSteps",
            "elasticmapreduce:DescribeStep", "elasticmapreduce:CancelSteps",
          ]
          Resource  = [local.arns.clusters]
          Condition = { StringEquals = { "elasticmapreduce:ResourceTag/project" = local.tags.project } }
        },
        {
          Sid       = "LetEmrCleanUp"
          Effect    = "Allow"
          Action    = ["iam:CreateServiceLinkedRole"]
          Resource  = ["arn:${local.partition}:iam::${local.account}:role/aws-service-role/elasticmapreduce.amazonaws.com/AWSServiceRoleForEMRCleanup"]
          Condition = { StringEquals = { "iam:AWSServiceName" = "elasticmapreduce.amazonaws.com" } }
        },
        {
          Sid       = "GiveClustersTheirRoles"
          Effect    = "Allow"
          Action    = ["iam:PassRole"]
          Resource  = concat(aws_iam_role.cluster_service[*].arn, aws_iam_role.cluster[*].arn)
          Condition = { StringEquals = { "iam:PassedToService" = ["elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"] } }
        },
      ] : statement if var.gpu != null],
    )
  })
}

resource "aws_iam_role" "scheduler" {
  count              = var.schedule == null ? 0 : 1
  name               = "${var.name}-schedule"
  description        = "What the schedule may start."
  assume_role_policy = local.trust["scheduler"]
  tags               = local.tags
}

resource "aws_iam_role_policy" "scheduler" {
  count = var.schedule == null ? 0 : 1
  role  = aws_iam_role.scheduler[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "StartRuns"
      Effect   = "Allow"
      Action   = ["states:StartExecution"]
      Resource = [aws_sfn_state_machine.run.arn]
    }]
  })
}
