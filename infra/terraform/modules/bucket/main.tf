# A private, encrypted, versioned bucket for lakes, packages and logs, and the policy of the jobs that work in it.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }
}

data "aws_partition" "current" {}

resource "aws_s3_bucket" "lake" {
  bucket        = var.name
  force_destroy = var.force_destroy
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  bucket = aws_s3_bucket.lake.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.bucket

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket_versioning.lake.bucket

  rule {
    id     = "left-behind"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 3
    }

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
  }

  rule {
    id     = "logs"
    status = "Enabled"

    filter {
      prefix = "logs/"
    }

    expiration {
      days = var.log_days
    }
  }
}

resource "aws_s3_bucket_policy" "encrypted_transport" {
  bucket = aws_s3_bucket.lake.bucket
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RefuseUnencryptedTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.lake]
}

locals {
  crawl        = regex("^s3://(?P<bucket>[^/]+)/?(?P<prefix>.*?)/?$", var.crawl)
  crawl_bucket = "arn:${data.aws_partition.current.partition}:s3:::${local.crawl.bucket}"
  crawl_below  = local.crawl.prefix == "" ? "*" : "${local.crawl.prefix}/*"
  # A crawl may be one file, such as a manifest, whose images lie beside it or below.
  crawl_beside = local.crawl.prefix == "" ? "*" : "${local.crawl.prefix}*"

  statements = concat(
    [
      {
        Sid       = "ListLake"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [aws_s3_bucket.lake.arn]
        Condition = { StringLike = { "s3:prefix" = ["", "lake", "lake/*", "package", "package/*"] } }
      },
      {
        Sid      = "WriteLake"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        Resource = ["${aws_s3_bucket.lake.arn}/lake/*"]
      },
      {
        Sid      = "ReadPackage"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/package/*"]
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${aws_s3_bucket.lake.arn}/logs/*"]
      },
      {
        Sid       = "ListCrawl"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [local.crawl_bucket]
        Condition = { StringLike = { "s3:prefix" = [local.crawl.prefix, local.crawl_below] } }
      },
      {
        Sid      = "ReadCrawl"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.crawl_bucket}/${local.crawl_beside}"]
      },
      {
        Sid      = "WhereBucketsAre"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation"]
        Resource = [aws_s3_bucket.lake.arn, local.crawl_bucket]
      },
    ],
    var.kms_key_arn == null ? [] : [{
      Sid      = "UseKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = [var.kms_key_arn]
    }],
  )
}
