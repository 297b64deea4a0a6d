#!/bin/bash
# Runs a command under a systemd user manager of its own, in namespaces of its own: its processes, /run,
# network and home folder are gone with it. Needs root and a cgroup file system that can be written.
#
#   systemd_user.sh HOME COMMAND [ARG ...]
set -euo pipefail
if [[ ${1:-} != --inside ]]; then
  exec unshare --fork --pid --mount --cgroup --net --kill-child "$0" --inside "$@"
fi
shift
export HOME=$1
shift
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
ip link set lo up
# systemd --user starts only where this folder says that the system was booted with systemd.
mkdir -p /run/systemd/system /run/user/0 "$HOME"
chmod 700 /run/user/0
export XDG_RUNTIME_DIR=/run/user/0 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/0/bus
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
/lib/systemd/systemd --user --log-target=console >/run/systemd-user.log 2>&1 &
manager=$!
for _ in $(seq 100); do
  if systemctl --user is-active --quiet basic.target 2>/dev/null; then break; fi
  kill -0 "$manager" 2>/dev/null || { tail -n 1 /run/systemd-user.log >&2; exit 77; }
  sleep 0.1
done
status=0
"$@" || status=$?
systemctl --user exit 2>/dev/null || true
exit "$status"
