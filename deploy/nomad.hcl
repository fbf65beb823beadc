# nomad var put nomad/jobs/sluicegate keepa_api_key=@key database_url=@url
# nomad job run deploy/nomad.hcl                                           docs/operations.md has the steps.
#
# Each allocation is a host, and several share one ledger in the database. What a host has paid for and not stored yet
# lies in its volume.

variable "image" {
  type    = string
  default = "sluicegate:0.1.0"
}

variable "hosts" {
  type    = number
  default = 1
}

job "sluicegate" {
  type = "service"

  group "host" {
    count = var.hosts

    # The volumes `sluicegate[0]` and so on, made before.
    volume "state" {
      type            = "csi"
      source          = "sluicegate"
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
      per_alloc       = true
    }

    network {
      port "metrics" {
        to = 9464
      }
    }

    # One after the other, and the old one is gone before its successor takes the volume.
    update {
      max_parallel     = 1
      health_check     = "checks"
      min_healthy_time = "30s"
      healthy_deadline = "10m"
    }

    restart {
      attempts = 5
      interval = "10m"
      delay    = "15s"
      mode     = "delay"
    }

    service {
      name     = "sluicegate"
      port     = "metrics"
      provider = "nomad"

      check {
        name     = "alive"
        type     = "http"
        path     = "/healthz"
        interval = "20s"
        timeout  = "10s"

        check_restart {
          limit = 6
          grace = "10m"
        }
      }
    }

    task "sluicegate" {
      driver = "docker"
      # A call may last 390 s; what is under way at a stop is still stored.
      kill_timeout = "420s"

      config {
        image           = var.image
        args            = ["run"]
        ports           = ["metrics"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]

        mount {
          type   = "tmpfs"
          target = "/tmp"
        }
      }

      volume_mount {
        volume      = "state"
        destination = "/var/lib/sluicegate"
      }

      env {
        STATE_DIR    = "/var/lib/sluicegate/state"
        HOST_NAME    = "${NOMAD_ALLOC_NAME}"
        LEDGER       = var.hosts > 1 ? "database" : "file"
        LOG_FORMAT   = "json"
        METRICS_HOST = "0.0.0.0"
        METRICS_PORT = "9464"
        STOP_S       = "330"
      }

      template {
        data        = <<-EOT
          KEEPA_API_KEY={{ with nomadVar "nomad/jobs/sluicegate" }}{{ .keepa_api_key }}{{ end }}
          DATABASE_URL={{ with nomadVar "nomad/jobs/sluicegate" }}{{ .database_url }}{{ end }}
        EOT
        destination = "${NOMAD_SECRETS_DIR}/keys.env"
        env         = true
      }

      resources {
        cpu        = 500
        memory     = 512
        memory_max = 2048
      }
    }
  }
}
