# The commands of a run, one per stage, as both platforms give them to the entry script. No provider is needed here.

terraform {
  required_version = ">= 1.9"
}

locals {
  learned = ["filter", "context", "depth"]
  options = concat(
    ["--lake", var.lake],
    var.settings_file == null ? [] : ["--settings", var.settings_file],
    flatten([for name, value in var.settings : ["--set", "${name}=${value}"]]),
  )
  followers = concat(
    ["duplicates"],
    local.learned,
    ["lift", "disambiguate", "synthesize", "statistics"],
    var.examples ? ["examples"] : [],
  )
  stages = concat(
    [{
      name      = "ingest"
      gpu       = false
      arguments = concat(["ingest", "--crawl", var.crawl], local.options)
    }],
    [for name in local.followers : {
      name      = name
      gpu       = var.gpu && contains(local.learned, name)
      arguments = concat([name, "--experts", var.experts], local.options)
    }],
    var.publish == null ? [] : [{
      name      = "publish"
      gpu       = false
      arguments = ["publish", "--lake", var.lake, "--catalog", var.publish.catalog, "--schema", var.publish.schema]
    }],
  )
}
