output "name" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.lake.bucket
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.lake.arn
}

output "lake" {
  description = "The lake, an s3:// prefix of the bucket."
  value       = "s3://${aws_s3_bucket.lake.bucket}/lake"
}

output "package" {
  description = "Where to copy what `make package` writes, an s3:// prefix of the bucket."
  value       = "s3://${aws_s3_bucket.lake.bucket}/package"
}

output "statements" {
  description = "Policy statements of a job: write lake and logs, read package and crawl."
  value       = local.statements
}
