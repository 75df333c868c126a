# Where the lake is, and who may read and write it: machines of the job by their instance profile, since the engine reads
# images without Spark, and SQL by Unity Catalog.

resource "aws_iam_role" "job" {
  name        = "${var.name}-job"
  description = "What a machine of the job may do."
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

resource "aws_iam_role_policy" "job" {
  role   = aws_iam_role.job.name
  policy = jsonencode({ Version = "2012-10-17", Statement = module.bucket.statements })
}

resource "aws_iam_instance_profile" "job" {
  name = "${var.name}-job"
  role = aws_iam_role.job.name
  tags = local.tags
}

resource "databricks_instance_profile" "job" {
  instance_profile_arn = aws_iam_instance_profile.job.arn
  skip_validation      = true # before the workspace may pass the role
}

locals {
  catalog_role = "${var.name}-catalog"
  account      = data.aws_caller_identity.current.account_id
}

data "databricks_aws_unity_catalog_policy" "lake" {
  aws_account_id = local.account
  bucket_name    = module.bucket.name
  role_name      = local.catalog_role
  kms_name       = var.kms_key_arn
}

data "databricks_aws_unity_catalog_assume_role_policy" "lake" {
  aws_account_id = local.account
  role_name      = local.catalog_role
  external_id    = databricks_storage_credential.lake.aws_iam_role[0].external_id
}

# The credential comes before its role, which trusts the credential's own id.
resource "databricks_storage_credential" "lake" {
  name            = var.name
  comment         = "The bucket of the lake ${module.bucket.lake}."
  skip_validation = true

  aws_iam_role {
    role_arn = "arn:aws:iam::${local.account}:role/${local.catalog_role}"
  }
}

resource "aws_iam_role" "catalog" {
  name               = local.catalog_role
  description        = "What Unity Catalog may do in the bucket of the lake."
  assume_role_policy = data.databricks_aws_unity_catalog_assume_role_policy.lake.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "catalog" {
  role   = aws_iam_role.catalog.name
  policy = data.databricks_aws_unity_catalog_policy.lake.json
}

resource "databricks_external_location" "lake" {
  name            = var.name
  url             = module.bucket.lake
  credential_name = databricks_storage_credential.lake.name
  comment         = "The tables of spatiallake."
  skip_validation = true # a new role takes some seconds until it can be assumed

  depends_on = [aws_iam_role_policy.catalog]
}

resource "databricks_schema" "lake" {
  catalog_name  = var.catalog
  name          = local.schema
  comment       = "Names of the tables in ${module.bucket.lake}, and the package that makes them."
  force_destroy = var.force_destroy
}

resource "databricks_volume" "package" {
  catalog_name = var.catalog
  schema_name  = databricks_schema.lake.name
  name         = "package"
  volume_type  = "MANAGED"
  comment      = "What `make package` wrote, and profiles."
}

locals {
  # Who runs needs no grant where it is who deploys, and so owns all of this.
  writers = compact([var.run_as, var.operators])
  grants = {
    schema = {
      writers = ["USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE", "READ_VOLUME", "WRITE_VOLUME"]
      readers = ["USE_SCHEMA", "SELECT"]
    }
    location = {
      writers = ["READ_FILES", "WRITE_FILES", "CREATE_EXTERNAL_TABLE"]
      readers = ["READ_FILES"]
    }
  }
  granted = length(local.writers) > 0 || var.readers != null
}

resource "databricks_grants" "schema" {
  count  = local.granted ? 1 : 0
  schema = "${var.catalog}.${databricks_schema.lake.name}"

  dynamic "grant" {
    for_each = local.writers
    content {
      principal  = grant.value
      privileges = local.grants.schema.writers
    }
  }

  dynamic "grant" {
    for_each = var.readers[*]
    content {
      principal  = grant.value
      privileges = local.grants.schema.readers
    }
  }
}

resource "databricks_grants" "location" {
  count             = local.granted ? 1 : 0
  external_location = databricks_external_location.lake.id

  dynamic "grant" {
    for_each = local.writers
    content {
      principal  = grant.value
      privileges = local.grants.location.writers
    }
  }

  dynamic "grant" {
    for_each = var.readers[*]
    content {
      principal  = grant.value
      privileges = local.grants.location.readers
    }
  }
}
