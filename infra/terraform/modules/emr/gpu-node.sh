#!/bin/bash
# Runs on every machine of the cluster before YARN starts; only machines with a GPU do something.
set -euo pipefail

sudo mkdir -p /opt/spatiallake
sudo tee /opt/spatiallake/find-gpus.sh >/dev/null <<'SCRIPT'
#!/bin/sh
# Spark calls this to list the GPUs of a container.
gpus=$(nvidia-smi --query-gpu=index --format=csv,noheader | sed 's/.*/"&"/' | paste -sd, -)
echo "{\"name\": \"gpu\", \"addresses\": [$gpus]}"
SCRIPT
sudo chmod 755 /opt/spatiallake/find-gpus.sh

if command -v nvidia-smi >/dev/null; then
  # YARN hands out GPUs by a device cgroup of version 1, which Amazon Linux 2023 does not mount.
  sudo mkdir -p /yarn-cgroup/devices
  mountpoint -q /yarn-cgroup/devices || sudo mount -t cgroup -o devices cgroupv1-devices /yarn-cgroup/devices
  sudo chmod -R a+rwx /yarn-cgroup
fi
